#!/bin/sh
# Puts BulletDrop into one person's home: program, menu entry, icons. `install.sh --remove` takes them away again;
# what the program keeps (the data folder) stays. Run it where it lies, beside `bulletdrop`.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bin="$HOME/.local/bin"
share="${XDG_DATA_HOME:-$HOME/.local/share}"
sizes="16 24 32 48 64 96 128 256 512"

if [ "${1:-}" = "--remove" ]; then
    rm -f "$bin/bulletdrop" "$share/applications/bulletdrop.desktop" "$share/icons/hicolor/scalable/apps/bulletdrop.svg"
    for size in $sizes; do rm -f "$share/icons/hicolor/${size}x$size/apps/bulletdrop.png"; done
    rm -f "${XDG_CONFIG_HOME:-$HOME/.config}/autostart/bulletdrop.desktop"
    echo "BulletDrop is removed. Its data is still there."
    exit 0
fi

mkdir -p "$bin" "$share/applications"
# A running program is not written into: the new one takes its name.
install -m 755 "$here/bulletdrop" "$bin/.bulletdrop.new"
mv -f "$bin/.bulletdrop.new" "$bin/bulletdrop"
# The whole path: a desktop's own search path often lacks ~/.local/bin.
sed "s|^Exec=bulletdrop|Exec=\"$bin/bulletdrop\"|" "$here/bulletdrop.desktop" > "$share/applications/bulletdrop.desktop"
for size in $sizes; do
    [ -f "$here/icons/icon-$size.png" ] || continue
    mkdir -p "$share/icons/hicolor/${size}x$size/apps"
    install -m 644 "$here/icons/icon-$size.png" "$share/icons/hicolor/${size}x$size/apps/bulletdrop.png"
done
if [ -f "$here/icons/icon.svg" ]; then
    mkdir -p "$share/icons/hicolor/scalable/apps"
    install -m 644 "$here/icons/icon.svg" "$share/icons/hicolor/scalable/apps/bulletdrop.svg"
fi
echo "BulletDrop is installed. Start it from the menu, or with $bin/bulletdrop"
