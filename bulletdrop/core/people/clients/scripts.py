"""Scripts for clients that are told of a server by a program: one for every shell of POSIX, one for PowerShell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulletdrop.core.people.clients.kinds import Values


def shell(values: Values) -> str:
    """The script that takes whatever tool for screenshots is there."""
    return _script(values, "auto")


def flameshot(values: Values) -> str:
    """The script that asks Flameshot."""
    return _script(values, "flameshot")


def spectacle(values: Values) -> str:
    """The script that asks Spectacle."""
    return _script(values, "spectacle")


def ksnip(values: Values) -> str:
    """The script that ksnip calls with a file, and whose output it copies."""
    return _script(values, "file")


def _script(values: Values, tool: str) -> str:
    text = _SHELL
    for name, value in {"BASE": values.base, "KEY": values.key, "TOOL": tool}.items():
        text = text.replace(f"@{name}@", "'" + value.replace("'", "'\\''") + "'")
    # A comment, and the last: nothing that it says is filled in.
    return text.replace("@LABEL@", values.label)


def powershell(values: Values) -> str:
    """The script for Windows PowerShell 5.1 and PowerShell 7."""
    text = _POWERSHELL
    for name, value in {"BASE": values.base, "KEY": values.key}.items():
        text = text.replace(f"@{name}@", "'" + value.replace("'", "''") + "'")
    return text.replace("@LABEL@", values.label).replace("\n", "\r\n")


# No secret is in an argument: `ps` shows those to everybody. curl reads the key from its standard input, and `printf`
# is the shell's own.
_SHELL = r"""#!/bin/sh
# @LABEL@
# Without arguments: takes a screenshot (--full: the whole screen), sends it, and puts its link on the clipboard.
# With files: sends those, and prints a link for each; - is standard input. --install: into Open With of file managers.
# It holds a key that may upload in your name: keep it to yourself (chmod 700).
set -eu
umask 077

base=@BASE@
key=@KEY@
tool=@TOOL@

has() { command -v "$1" >/dev/null 2>&1; }

notify() {
    if has notify-send; then notify-send -a BulletDrop -- "$1" "$2" >/dev/null 2>&1 || :; fi
}

fail() {
    printf 'bulletdrop: %s\n' "$1" >&2
    notify 'Not uploaded' "$1"
    exit 1
}

copy() {
    if [ -n "${WAYLAND_DISPLAY:-}" ] && has wl-copy; then
        printf %s "$1" | wl-copy >/dev/null 2>&1
    elif [ -n "${DISPLAY:-}" ] && has xclip; then
        printf %s "$1" | xclip -selection clipboard >/dev/null 2>&1
    elif [ -n "${DISPLAY:-}" ] && has xsel; then
        printf %s "$1" | xsel --clipboard --input >/dev/null 2>&1
    elif has pbcopy; then
        printf %s "$1" | pbcopy
    else
        return 1
    fi
}

# The text at a name of the answer, such as link or error.message: by what is there, and works.
value() {
    found=
    if has jq; then
        found=$(jq -r --arg name "$1" 'getpath($name | split(".")) // empty' "$work/answer" 2>/dev/null) || found=
    fi
    if [ -z "$found" ] && has python3; then
        found=$(python3 -c 'import functools, json, sys
value = functools.reduce(lambda found, name: found[name], sys.argv[2].split("."), json.load(open(sys.argv[1])))
print(value or "")' "$work/answer" "$1" 2>/dev/null) || found=
    fi
    if [ -z "$found" ]; then
        found=$(sed -n 's/.*"'"${1##*.}"'" *: *"\([^"]*\)".*/\1/p' "$work/answer" 2>/dev/null) || found=
    fi
    printf %s "$found"
}

# A file and its name: the link is in $link then.
send() {
    case $1 in /*) bytes=$1 ;; *) bytes=$PWD/$1 ;; esac
    rm -f "$work/bytes" "$work/answer"
    ln -s "$bytes" "$work/bytes"
    name=$(printf %s "$2" | tr '\\"\n\r' '____')
    # The same for each try of this file: the server keeps it once.
    once=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    status=$(printf 'header = "Authorization: Bearer %s"\n' "$key" |
        curl --config - --silent --show-error --connect-timeout 15 --retry 2 --retry-max-time 60 \
            --header 'Accept: application/json' --header "Idempotency-Key: $once" \
            --output "$work/answer" --write-out '%{http_code}' \
            --form paste=true \
            --form "file=@\"$work/bytes\";filename=\"$name\"" "$base/api/v1/uploads" 2>"$work/trouble") || status=000
    case $status in
    2??) link=$(value link) ;;
    000) fail "$(sed -n '1p' "$work/trouble")" ;;
    *)
        message=$(value error.message)
        fail "${message:-The server answered $status.}"
        ;;
    esac
    [ -n "$link" ] || fail 'The answer of the server has no link in it.'
}

choose() {
    if [ -n "${WAYLAND_DISPLAY:-}" ]; then
        tools='grim spectacle gnome-screenshot flameshot'
    else
        tools='maim scrot spectacle gnome-screenshot flameshot'
    fi
    for each in $tools; do
        if has "$each"; then
            tool=$each
            return
        fi
    done
    fail "There is no tool for screenshots here. Install one of: $tools."
}

# Takes a screenshot into a file: the whole screen, or the part that is chosen.
shoot() {
    case $tool-$whole in
    grim-yes) grim "$1" ;;
    grim-no) has slurp || fail 'Install slurp, to choose a part of the screen.'; grim -g "$(slurp)" "$1" ;;
    maim-yes) maim "$1" ;;
    maim-no) maim -s "$1" ;;
    scrot-yes) scrot "$1" ;;
    scrot-no) scrot -s "$1" ;;
    spectacle-yes) spectacle -b -n -f -o "$1" ;;
    spectacle-no) spectacle -b -n -r -o "$1" ;;
    gnome-screenshot-yes) gnome-screenshot -f "$1" ;;
    gnome-screenshot-no) gnome-screenshot -a -f "$1" ;;
    flameshot-yes) flameshot full --raw >"$1" ;;
    flameshot-no) flameshot gui --raw >"$1" ;;
    esac
}

install_here() {
    folder=${XDG_DATA_HOME:-$HOME/.local/share}/applications
    case $0 in /*) here=$0 ;; *) here=$PWD/$0 ;; esac
    mkdir -p "$folder"
    chmod 700 "$here"
    {
        printf '[Desktop Entry]\nType=Application\nName=Send to BulletDrop\nNoDisplay=true\nTerminal=false\n'
        printf 'Exec="%s" %%F\n' "$here"
        printf 'MimeType=image/png;image/jpeg;image/gif;image/webp;image/avif;video/mp4;video/webm;\n'
    } >"$folder/bulletdrop-send.desktop"
    if has update-desktop-database; then update-desktop-database "$folder" >/dev/null 2>&1 || :; fi
    printf 'Installed: %s\n' "$folder/bulletdrop-send.desktop"
}

has curl || fail 'curl is missing. Install it first.'
whole=no
while [ $# -gt 0 ]; do
    case $1 in
    --full) whole=yes ;;
    --install) install_here; exit 0 ;;
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    --) shift; break ;;
    -?*) fail "There is no option $1." ;;
    *) break ;;
    esac
    shift
done

work=$(mktemp -d "${TMPDIR:-/tmp}/bulletdrop.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

if [ $# -eq 0 ]; then
    [ "$tool" != file ] || fail 'Name the file to send.'
    [ "$tool" != auto ] || choose
    has "$tool" || fail "$tool is not installed."
    shoot "$work/shot.png" || :
    if [ ! -s "$work/shot.png" ]; then
        echo 'bulletdrop: no screenshot was taken.' >&2
        exit 1
    fi
    send "$work/shot.png" "$(date '+Screenshot %Y-%m-%d %H-%M-%S.png')"
    links=$link
    printf '%s\n' "$link"
else
    links=
    for file in "$@"; do
        if [ "$file" = - ]; then
            cat >"$work/stdin"
            send "$work/stdin" upload
        else
            [ -f "$file" ] || fail "There is no file $file."
            send "$file" "${file##*/}"
        fi
        links=${links:+"$links
"}$link
        printf '%s\n' "$link"
    done
fi

# ksnip copies what is printed.
[ "$tool" != file ] || exit 0
if copy "$links"; then notify 'Link copied' "$links"; else notify 'Uploaded' "$links"; fi
"""

_POWERSHELL = r"""# @LABEL@
# Sends files, or without one the whole screen, and puts the links on the clipboard.
# It holds a key that may upload in your name: keep it where only you may read it.
param([Parameter(ValueFromRemainingArguments = $true)][string[]]$Path)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$base = @BASE@
$key = @KEY@
# Windows PowerShell 5.1 would begin with TLS 1.0.
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor 3072

function Get-Screen {
    Add-Type -AssemblyName System.Windows.Forms, System.Drawing
    $area = [Windows.Forms.SystemInformation]::VirtualScreen
    $picture = New-Object Drawing.Bitmap $area.Width, $area.Height
    $canvas = [Drawing.Graphics]::FromImage($picture)
    $canvas.CopyFromScreen($area.Left, $area.Top, 0, 0, $picture.Size)
    $name = 'Screenshot {0:yyyy-MM-dd HH-mm-ss}.png' -f (Get-Date)
    $file = Join-Path ([IO.Path]::GetTempPath()) $name
    $picture.Save($file, [Drawing.Imaging.ImageFormat]::Png)
    $canvas.Dispose()
    $picture.Dispose()
    $file
}

function Send-File([string]$File) {
    $item = Get-Item -LiteralPath $File
    $once = [guid]::NewGuid().ToString()
    $request = @{
        Uri         = "$base/api/v1/uploads/" + [uri]::EscapeDataString($item.Name) + '?paste=true'
        Method      = 'Put'
        InFile      = $item.FullName
        ContentType = 'application/octet-stream'
        Headers     = @{ Authorization = "Bearer $key"; Accept = 'application/json'; 'Idempotency-Key' = $once }
    }
    try {
        $answer = Invoke-RestMethod @request
    } catch {
        $message = $_.Exception.Message
        if ($_.ErrorDetails -and $_.ErrorDetails.Message) {
            try { $message = ($_.ErrorDetails.Message | ConvertFrom-Json).error.message } catch { }
        }
        Write-Error "Not uploaded: $message" -ErrorAction Continue
        exit 1
    }
    $answer.link
}

$taken = $null
if (-not $Path) { $taken = Get-Screen; $Path = @($taken) }
try {
    $links = @(foreach ($one in $Path) { Send-File $one })
} finally {
    if ($taken) { Remove-Item -LiteralPath $taken -ErrorAction SilentlyContinue }
}
$links
try { Set-Clipboard -Value ($links -join "`r`n") } catch { Write-Warning 'The link could not be put on the clipboard.' }
"""
