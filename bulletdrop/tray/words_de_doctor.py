"""What `bulletdrop doctor` finds, in German, for the tray's page. The places stand for what is found."""

GERMAN_OF_CHECKS: dict[str, str] = {
    "address": "Adresse",
    "certificate": "Zertifikat",
    "clipboard": "Zwischenablage",
    "clock": "Uhr",
    "data folder": "Datenordner",
    "database": "Datenbank",
    "desktop": "Desktop",
    "disk": "Platte",
    "keyring": "Schlüsselbund",
    "mail": "E-Mail",
    "network": "Netz",
    "notifications": "Benachrichtigungen",
    "screenshots": "Screenshots",
    "secrets": "Geheime Dateien",
    "server": "Server",
    "servers": "Andere Server",
    "token": "Schlüssel",
    "tray": "Symbol",
    "versions": "Versionen",
    "watcher": "Beobachtung",
}

GERMAN_OF_THE_DOCTOR: dict[str, str] = {
    # The desktop's half.
    "none here: the server alone is used": "hier gibt es keinen: nur der Server wird benutzt",
    "{folders} may not be read": "{folders} darf nicht gelesen werden",
    "give this account the right to read there": "diesem Konto das Recht geben, dort zu lesen",
    "{folders} does not exist yet": "{folders} gibt es noch nicht",
    "no screenshot folder was found": "es wurde kein Ordner für Screenshots gefunden",
    "take a screenshot once, or name the folder with BULLETDROP_WATCH": (
        "einmal einen Screenshot machen oder den Ordner mit BULLETDROP_WATCH nennen"
    ),
    "by {how}: {problem}": "durch {how}: {problem}",
    "screenshots are found a few seconds later": "Screenshots werden ein paar Sekunden später gefunden",
    "by {how}, a new file was noticed after {took} ms": "durch {how}; eine neue Datei wurde nach {took} ms bemerkt",
    "a new file was not noticed within {seconds} s": "eine neue Datei wurde binnen {seconds} s nicht bemerkt",
    "use a folder on a local disk": "einen Ordner auf einer Platte dieses Rechners benutzen",
    "events": "Meldungen des Systems",
    "polling": "regelmäßiges Nachsehen",
    "nothing is lost": "es geht nichts verloren",
    "none: a server alone, no tray was ever used here": "keiner: nur ein Server, das Symbol wurde hier nie benutzt",
    "this computer is not paired with {server}": "dieser Rechner ist mit {server} nicht gekoppelt",
    "this computer is not paired": "dieser Rechner ist nicht gekoppelt",
    "start “bulletdrop”: it pairs itself with the server on this machine; with one elsewhere: bulletdrop pair": (
        "„bulletdrop“ starten: Es koppelt sich selbst mit dem Server auf diesem Rechner; mit einem anderen: bulletdrop"
        " pair"
    ),
    "the key for {servers} was revoked": "der Schlüssel für {servers} wurde widerrufen",
    "in a plain file, {path}": "in einer einfachen Datei, {path}",
    "only its owner may read it; a keyring would be better": (
        "nur ihr Besitzer darf sie lesen; ein Schlüsselbund wäre besser"
    ),
    "from the {place}": "aus: {place}",
    "in the {place}": "in: {place}",
    "environment": "Umgebung",
    "configuration": "Einstellungen",
    "Secret Service keyring": "Schlüsselbund (Secret Service)",
    "macOS Keychain": "Schlüsselbund von macOS",
    "Windows Credential Manager": "Anmeldeinformationsverwaltung von Windows",
    "if that is right: bulletdrop pair {server}": "wenn das stimmt: bulletdrop pair {server}",
    "none elsewhere: this machine's own is used": "keine: Der Server dieses Rechners wird benutzt",
    "{servers} does not answer": "{servers} antwortet nicht",
    "what is captured waits, or goes to the next one": "Screenshots warten oder gehen zum nächsten Server",
    "{server}, then {next}": "{server}, dann {next}",
    "none can be used: {problem}": "keiner lässt sich benutzen: {problem}",
    "the token goes into a file that only its owner may read": (
        "der Schlüssel kommt in eine Datei, die nur ihr Besitzer lesen darf"
    ),
    "{keyring}: a test secret was kept and deleted": (
        "{keyring}: ein Probegeheimnis wurde aufbewahrt und wieder gelöscht"
    ),
    "no keyring is known on this system": "auf diesem System ist keiner bekannt",
    "the Secret Service has no default keyring yet": "der Secret Service hat noch keinen Standard-Schlüsselbund",
    "the default keyring is locked": "der Standard-Schlüsselbund ist gesperrt",
    "the system's own": "das des Systems",
    "the session bus does not answer: {why}": "der Sitzungsbus antwortet nicht: {why}",
    "start BulletDrop inside the desktop session": "BulletDrop in der Sitzung des Desktops starten",
    "a panel on this desktop takes icons": "eine Leiste dieses Desktops nimmt Symbole auf",
    "nothing on this desktop shows icons": "nichts auf diesem Desktop zeigt Symbole",
    "install GNOME's extension “AppIndicator support”; the page and the command line do all the same": (
        "die GNOME-Erweiterung „AppIndicator support“ installieren; die Seite und die Befehlszeile können alles auch"
    ),
    "add a status tray to your panel; the page and the command line do all the same": (
        "der Leiste einen Bereich für Symbole geben; die Seite und die Befehlszeile können alles auch"
    ),
    "none answers: {why}": "keiner antwortet: {why}",
    "install a notification service; links are copied all the same": (
        "einen Dienst für Benachrichtigungen installieren; Links werden trotzdem kopiert"
    ),
    "with buttons": "mit Knöpfen",
    "without buttons: the link is in the text": "ohne Knöpfe: Der Link steht im Text",
    "there is no way to copy here": "hier lässt sich nichts kopieren",
    "on Wayland, install wl-clipboard": "unter Wayland wl-clipboard installieren",
    "by {way}, not tested (--clipboard does, and replaces what is on it)": (
        "durch {way}, nicht geprüft (--clipboard prüft es und ersetzt, was darin liegt)"
    ),
    "by {way}, written and read back": "durch {way}, geschrieben und wieder gelesen",
    "{way} did not keep a text": "{way} hat einen Text nicht behalten",
    "on Wayland, install wl-clipboard; GNOME may refuse all the same": (
        "unter Wayland wl-clipboard installieren; GNOME lehnt vielleicht trotzdem ab"
    ),
    # The server's half.
    "none here: this computer is paired with {server}": "hier keiner: Dieser Rechner ist mit {server} gekoppelt",
    "{path} does not exist yet": "{path} gibt es noch nicht",
    "it is made by the first start of “bulletdrop”": "der erste Start von „bulletdrop“ legt es an",
    "{path} cannot be written ({why})": "{path} ist nicht beschreibbar ({why})",
    "give this account the right to write there": "diesem Konto das Recht geben, dort zu schreiben",
    "others may look into {path}": "andere dürfen in {path} hineinsehen",
    "kept by the folder's own rights": "durch die Rechte des Ordners geschützt",
    "others may read {paths}": "andere dürfen {paths} lesen",
    "{count} files, readable by their owner alone": "{count} Dateien, nur für ihren Besitzer lesbar",
    "none made yet": "noch keine angelegt",
    "{free} free; uploads are refused below {least}": "{free} frei; unter {least} wird nichts mehr angenommen",
    "{free} free": "{free} frei",
    "free some space, or set min_free_disk": "Platz schaffen oder min_free_disk setzen",
    "make room: uploads are refused below {least}": "Platz schaffen: Unter {least} wird nichts mehr angenommen",
    "SQLite, not made yet": "SQLite, noch nicht angelegt",
    "{path} cannot be read: {why}": "{path} ist nicht lesbar: {why}",
    "{path} is damaged: {result}": "{path} ist beschädigt: {result}",
    "stop the server and put back a copy from the folder “backups”": (
        "den Server anhalten und eine Kopie aus dem Ordner „backups“ zurückholen"
    ),
    "SQLite, {size}, {mode} mode, quick check clean": "SQLite, {size}, Modus {mode}, kurze Prüfung ohne Befund",
    "check database_url, and that Postgres runs and lets this account in": (
        "database_url prüfen, und ob Postgres läuft und dieses Konto einlässt"
    ),
    "this machine says it is {day}": "dieser Rechner meint, es sei der {day}",
    "set the clock; sessions and links would expire wrongly": (
        "die Uhr stellen; Sitzungen und Links würden falsch enden"
    ),
    "{moment} UTC": "{moment} UTC",
    "not running": "läuft nicht",
    "start it with “bulletdrop” or “bulletdrop serve”": "mit „bulletdrop“ oder „bulletdrop serve“ starten",
    "{url} does not answer: {why}": "{url} antwortet nicht: {why}",
    "start it with “bulletdrop serve”": "mit „bulletdrop serve“ starten",
    "another server answers at {url}": "unter {url} antwortet ein anderer Server",
    "end that one, or give this one another port": "jenen beenden oder diesem einen anderen Port geben",
    "{url}, version {version}": "{url}, Version {version}",
    "public_url is not set: links carry this machine's own address": (
        "public_url ist nicht gesetzt: Links tragen die Adresse dieses Rechners"
    ),
    "set BULLETDROP_PUBLIC_URL to share": "zum Teilen BULLETDROP_PUBLIC_URL setzen",
    "none: this server speaks http (tls = own makes one)": "keines: Dieser Server spricht http (tls = own macht eines)",
    "made by the first start": "der erste Start legt es an",
    "correct tls_certificate and tls_key, or set tls = own": (
        "tls_certificate und tls_key berichtigen oder tls = own setzen"
    ),
    "its own, good until {day}, fingerprint {digits}": "ein eigenes, gültig bis {day}, Fingerabdruck {digits}",
    "given, good until {day}, fingerprint {digits}": "ein gegebenes, gültig bis {day}, Fingerabdruck {digits}",
    "its own, good until {day}": "ein eigenes, gültig bis {day}",
    "given, good until {day}": "ein gegebenes, gültig bis {day}",
    "ended on {day}": "abgelaufen am {day}",
    "renew it; a new own one is made when DATA/tls is moved away": (
        "erneuern; ein neues eigenes entsteht, wenn DATA/tls beiseitegelegt wird"
    ),
    "renew it": "erneuern",
    "the running server does not say whether it is announced": (
        "der laufende Server sagt nicht, ob er sich bekannt gibt"
    ),
    "not announced: announce is off, or the server is for this machine alone": (
        "gibt sich nicht bekannt: announce ist aus, oder der Server ist nur für diesen Rechner da"
    ),
    "announced while the server runs": "gibt sich bekannt, solange der Server läuft",
    "not announced: this machine is in no network": "gibt sich nicht bekannt: Dieser Rechner ist in keinem Netz",
    "let UDP port 5353 through the firewall; pairing by the address works all the same": (
        "UDP-Port 5353 durch die Firewall lassen; über die Adresse lässt sich trotzdem koppeln"
    ),
    "found at {urls}": "gefunden unter {urls}",
    "the server is announced and was not found": "der Server gibt sich bekannt und wurde nicht gefunden",
    "no mail server: the admin hands links over": "kein Mailserver: Der Admin gibt Links selbst weiter",
    "check the settings smtp_…": "die Einstellungen smtp_… prüfen",
    "{host}, port {port}, {security}": "{host}, Port {port}, {security}",
    "{host} answers": "{host} antwortet",
    "set public_url: links in mails carry this machine's own address": (
        "public_url setzen: Links in Mails tragen die Adresse dieses Rechners"
    ),
    "the check itself did not work: {kind}: {why}": "die Prüfung selbst hat nicht geklappt: {kind}: {why}",
}
