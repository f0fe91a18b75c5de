"""The tray in German. Keys are the English texts of the code; a test keeps both in step."""

GERMAN: dict[str, str] = {
    "1 screenshot waits for the server": "1 Screenshot wartet auf den Server",
    "BulletDrop needs you": "BulletDrop braucht Sie",
    "Copy last link": "Letzten Link kopieren",
    "Copy link": "Link kopieren",
    "Delete both copies": "Beide Kopien löschen",
    "Do not send": "Nicht senden",
    "Doctor": "Prüfen",
    "For an hour": "Für eine Stunde",
    "Forget it": "Vergessen",
    "It was not complete.": "Er war nicht vollständig.",
    "It was switched off in the desktop's list of programs that start at login.": (
        "Es wurde in der Liste der Programme ausgeschaltet, die dieser Desktop bei der Anmeldung startet."
    ),
    "Move BulletDrop to the Applications folder first, and open it from there.": (
        "Bewegen Sie BulletDrop zuerst in den Ordner Programme, und öffnen Sie es dort."
    ),
    "Open gallery": "Galerie öffnen",
    "Open page": "Seite öffnen",
    "Pair again": "Neu koppeln",
    "Pair this computer": "Diesen Rechner koppeln",
    "Pause": "Anhalten",
    "Paused": "Angehalten",
    "Quit": "Beenden",
    "Ready. Take a screenshot.": "Bereit. Machen Sie einen Screenshot.",
    "Really delete both copies": "Wirklich beide Kopien löschen",
    "Recent": "Zuletzt",
    "Resume": "Fortsetzen",
    "Send": "Senden",
    "Set up BulletDrop": "BulletDrop einrichten",
    "Settings…": "Einstellungen…",
    "Show file": "Datei zeigen",
    "Starting": "Startet",
    "Take a screenshot, and its link is here.": "Machen Sie einen Screenshot, dann steht hier sein Link.",
    "The entry could not be removed: {why}": "Der Eintrag konnte nicht entfernt werden: {why}",
    "The entry could not be written: {why}": "Der Eintrag konnte nicht geschrieben werden: {why}",
    "The keyring is locked": "Der Schlüsselbund ist gesperrt",
    "The server cannot be reached": "Der Server ist nicht erreichbar",
    "The server is not running": "Der Server läuft nicht",
    "Try again": "Erneut versuchen",
    "Try all again": "Alle erneut versuchen",
    "Undo (until {time})": "Zurücknehmen (bis {time})",
    "Unlock the keyring": "Schlüsselbund entsperren",
    "Until I resume": "Bis ich fortsetze",
    "Until tomorrow": "Bis morgen",
    "Upload a file…": "Datei hochladen…",
    "Uploading": "Lädt hoch",
    "Uploading {count}": "Lädt {count} hoch",
    "Windows holds it off: switch BulletDrop on in Task Manager, under Startup apps.": (
        "Windows hält es aus: Schalten Sie BulletDrop im Task-Manager unter Autostart-Apps ein."
    ),
    "asks to be sent": "wartet auf Ihr Ja",
    "macOS holds it off: switch BulletDrop on in System Settings, General, Login Items.": (
        "macOS hält es aus: Schalten Sie BulletDrop in den Systemeinstellungen unter Allgemein, Anmeldeobjekte ein."
    ),
    "macOS may keep BulletDrop from it: System Settings, Privacy & Security, Local Network.": (
        "Vielleicht hält macOS BulletDrop fern: Systemeinstellungen, Datenschutz & Sicherheit, Lokales Netzwerk."
    ),
    "not uploaded": "nicht hochgeladen",
    "on its way": "unterwegs",
    "taken back": "zurückgenommen",
    "yesterday": "gestern",
    "{count} not accepted": "{count} nicht angenommen",
    "{count} screenshots wait for the server": "{count} Screenshots warten auf den Server",
    "{count} waiting": "{count} warten",
}
