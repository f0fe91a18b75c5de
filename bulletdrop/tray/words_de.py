"""The tray in German. Keys are the English texts of the code; a test keeps both in step."""

GERMAN: dict[str, str] = {
    "1 screenshot waits for the server": "1 Screenshot wartet auf den Server",
    "A link has changed.": "Ein Link hat sich geändert.",
    "A screenshot is not complete yet.": "Ein Screenshot ist noch nicht vollständig.",
    "Allow it in System Settings, Privacy & Security, Files and Folders.": (
        "Erlauben Sie es in den Systemeinstellungen unter Datenschutz & Sicherheit, Dateien und Ordner."
    ),
    "An album is missing.": "Ein Album fehlt.",
    "Both copies can still be deleted from the menu, under Recent.": (
        "Im Menü unter „Zuletzt“ lassen sich noch beide Kopien löschen."
    ),
    "BulletDrop needs you": "BulletDrop braucht Sie",
    "BulletDrop runs without an icon.": "BulletDrop läuft ohne Symbol.",
    "BulletDrop {version} is there.": "BulletDrop {version} ist da.",
    "BulletDrop's server cannot start.": "Der Server von BulletDrop kann nicht starten.",
    "Cinnamon, COSMIC and grim put screenshots here": "Cinnamon, COSMIC und grim legen Bildschirmfotos hier ab",
    "Copy": "Kopieren",
    "Copy again": "Noch einmal kopieren",
    "Copy last link": "Letzten Link kopieren",
    "Copy link": "Link kopieren",
    "Deleted here and on the server.": "Hier und auf dem Server gelöscht.",
    "Delete both copies": "Beide Kopien löschen",
    "Do not send": "Nicht senden",
    "Doctor": "Prüfen",
    "For an hour": "Für eine Stunde",
    "Forget it": "Vergessen",
    "From your next login on it starts: {command}": "Ab der nächsten Anmeldung startet: {command}",
    "Give this account the right to read {folder}.": "Geben Sie diesem Konto das Recht, {folder} zu lesen.",
    "It appeared in {folder} at {time}. It was moved or linked there whole.": (
        "Er erschien um {time} in {folder}. Er wurde im Ganzen dorthin bewegt oder verlinkt."
    ),
    "It appeared in {folder} at {time}. It was renamed into place.": (
        "Er erschien um {time} in {folder}. Er wurde an seinen Platz umbenannt."
    ),
    "It appeared in {folder} at {time}. It was written there.": (
        "Er erschien um {time} in {folder}. Er wurde dort geschrieben."
    ),
    "It is another one": "Es ist ein anderer",
    "It is the same": "Es ist derselbe",
    "It is uploaded, but not in its album: that one is not on the server, or not yours.": (
        "Er ist hochgeladen, aber nicht in seinem Album: Das ist nicht auf dem Server oder nicht Ihres."
    ),
    "It opens for others once the server can be reached.": (
        "Für andere öffnet er sich, sobald der Server erreichbar ist."
    ),
    "It was found in {folder} at {time}: it came while nobody looked.": (
        "Er wurde um {time} in {folder} gefunden: Er kam, während niemand hinsah."
    ),
    "It was not complete.": "Er war nicht vollständig.",
    "It was switched off in the desktop's list of programs that start at login.": (
        "Es wurde in der Liste der Programme ausgeschaltet, die dieser Desktop bei der Anmeldung startet."
    ),
    "Its link is not copied: {link}": "Sein Link ist nicht kopiert: {link}",
    "Its link says so too.": "Sein Link sagt es auch.",
    "Its writer stopped half way; it is looked at again every few minutes.": (
        "Das schreibende Programm hörte mittendrin auf; alle paar Minuten wird wieder nachgesehen."
    ),
    "Link copied.": "Link kopiert.",
    "Link ready.": "Link bereit.",
    "Made while BulletDrop was off or asleep: not copied.": (
        "Entstanden, während BulletDrop aus war oder ruhte: nicht kopiert."
    ),
    "Move BulletDrop to the Applications folder first, and open it from there.": (
        "Bewegen Sie BulletDrop zuerst in den Ordner Programme, und öffnen Sie es dort."
    ),
    "New screenshots get no link and are not sent: nothing can be written to {folder}. Delete something or empty the"
    " bin; they follow by themselves. Your files stay where they are.": (
        "Neue Screenshots bekommen keinen Link und werden nicht gesendet: In {folder} kann nichts geschrieben werden."
        " Löschen Sie etwas, oder leeren Sie den Papierkorb; sie folgen dann von selbst. Ihre Dateien bleiben, wo sie"
        " sind."
    ),
    "Nobody vouches for this server's certificate. Its page “Pair a device” shows its fingerprint. Is it this one?": (
        "Niemand bürgt für das Zertifikat dieses Servers. "
        "Seine Seite „Pair a device“ zeigt dessen Fingerabdruck. Ist es dieser?"
    ),
    "Nothing on this desktop shows icons now. Start “bulletdrop” again to open its page.": (
        "Auf diesem Desktop zeigt gerade nichts Symbole an. "
        "Starten Sie „bulletdrop“ noch einmal, dann öffnet sich seine Seite."
    ),
    "Nothing was downloaded. The page says what is new.": (
        "Es wurde nichts heruntergeladen. Die Seite sagt, was neu ist."
    ),
    "OneDrive's folder for screenshots": "der Ordner von OneDrive für Bildschirmfotos",
    "Nothing of BulletDrop starts at your next login. What runs now goes on.": (
        "Bei der nächsten Anmeldung startet nichts von BulletDrop. Was jetzt läuft, läuft weiter."
    ),
    "Nothing was started or ended now.": "Jetzt wurde nichts gestartet oder beendet.",
    "Only that host can delete it: open its own page for that.": (
        "Nur jener Dienst kann es löschen: Öffnen Sie dafür seine eigene Seite."
    ),
    "Only you can open it.": "Nur Sie können ihn öffnen.",
    "Only you can open them.": "Nur Sie können sie öffnen.",
    "Open": "Öffnen",
    "Open gallery": "Galerie öffnen",
    "Open page": "Seite öffnen",
    "Pair again": "Neu koppeln",
    "Pair this computer": "Diesen Rechner koppeln",
    "Pair this device again.": "Koppeln Sie dieses Gerät neu.",
    "Pause": "Anhalten",
    "Paused": "Angehalten",
    "Paused until {time}": "Angehalten bis {time}",
    "Picture and link copied.": "Bild und Link kopiert.",
    "Picture copied.": "Bild kopiert.",
    "Private until {time}.": "Privat bis {time}.",
    "Quit": "Beenden",
    "Ready. Take a screenshot.": "Bereit. Machen Sie einen Screenshot.",
    "Really delete both copies": "Wirklich beide Kopien löschen",
    "Recent": "Zuletzt",
    "Resume": "Fortsetzen",
    "Screenshot uploaded.": "Screenshot hochgeladen.",
    "Screenshots cannot be seen.": "Screenshots sind nicht zu sehen.",
    "Screenshots from {folder} are to go into the album {album}, which is not on the server or not yours. They are"
    " uploaded without it. Name another one in the settings, under Folders.": (
        "Screenshots aus {folder} sollen ins Album {album}, das nicht auf dem Server oder nicht Ihres ist. Sie werden"
        " ohne das Album hochgeladen. Nennen Sie in den Einstellungen unter Ordner ein anderes."
    ),
    "Screenshots wait.": "Screenshots warten.",
    "Send": "Senden",
    "Send this screenshot?": "Diesen Screenshot senden?",
    "Send {count} screenshots?": "{count} Screenshots senden?",
    "Set up BulletDrop": "BulletDrop einrichten",
    "Set up BulletDrop first.": "Richten Sie zuerst BulletDrop ein.",
    "This computer's disk is full.": "Die Festplatte dieses Rechners ist voll.",
    "Your screenshot is kept and goes up once there is an account.": (
        "Der Screenshot bleibt erhalten und geht hoch, sobald es ein Konto gibt."
    ),
    "Settings…": "Einstellungen…",
    "Show file": "Datei zeigen",
    "Spectacle's folder": "der Ordner von Spectacle",
    "Spectacle's setting": "die Einstellung von Spectacle",
    "Starting": "Startet",
    "Take a screenshot, and its link is here.": "Machen Sie einen Screenshot, dann steht hier sein Link.",
    "Take it from here: {link}": "Nehmen Sie ihn von hier: {link}",
    "The entry is {place}.": "Der Eintrag ist {place}.",
    "The entry could not be removed: {why}": "Der Eintrag konnte nicht entfernt werden: {why}",
    "The entry could not be written: {why}": "Der Eintrag konnte nicht geschrieben werden: {why}",
    "The keyring is locked": "Der Schlüsselbund ist gesperrt",
    "The link could not be copied.": "Der Link konnte nicht kopiert werden.",
    "The link shows nothing now. The file is in the bin.": "Der Link zeigt nichts mehr. Die Datei liegt im Papierkorb.",
    "The link shows nothing now. The file is where it was.": "Der Link zeigt nichts mehr. Die Datei liegt, wo sie lag.",
    "The links are in the menu, under Recent.": "Die Links stehen im Menü unter „Zuletzt“.",
    "The newest is {name}.": "Der neueste ist {name}.",
    "The newest link is copied.": "Der neueste Link ist kopiert.",
    "The server cannot be reached": "Der Server ist nicht erreichbar",
    "The server cannot be reached.": "Der Server ist nicht erreichbar.",
    "The server is not running": "Der Server läuft nicht",
    "The other host's uploader cannot be read": "Der Uploader des anderen Dienstes ist nicht lesbar",
    "The server shows another certificate": "Der Server zeigt ein anderes Zertifikat",
    "The server's page shows this fingerprint of its certificate, too. Say yes only if it is the same:": (
        "Auch die Seite des Servers zeigt diesen Fingerabdruck seines Zertifikats. "
        "Stimmen Sie nur zu, wenn es derselbe ist:"
    ),
    "They are in the menu, each with its reason. The files are where they were.": (
        "Sie stehen im Menü, jeder mit seinem Grund. Die Dateien liegen, wo sie lagen."
    ),
    "The last screenshot's link does not work: it gets another one then.": (
        "Der Link des letzten Screenshots funktioniert nicht: Er bekommt dann einen anderen."
    ),
    "The links of the last {count} screenshots do not work: they get others then.": (
        "Die Links der letzten {count} Screenshots funktionieren nicht: Sie bekommen dann andere."
    ),
    "The second server is used only while the first is away.": (
        "Der zweite Server wird nur benutzt, solange der erste weg ist."
    ),
    "The server does not take its key any more. Screenshots are kept and go up once it is paired again.": (
        "Der Server nimmt seinen Schlüssel nicht mehr an. Screenshots bleiben erhalten und gehen hoch, sobald er wieder"
        " gekoppelt ist."
    ),
    "This computer has to be paired again.": "Dieser Rechner muss neu gekoppelt werden.",
    "They are kept and go up by themselves.": "Sie bleiben erhalten und gehen von selbst hoch.",
    "This desktop takes one thing at a time. The link: {link}": (
        "Dieser Desktop nimmt nur eines auf einmal. Der Link: {link}"
    ),
    "This device is not paired with a server yet.": "Dieses Gerät ist noch mit keinem Server gekoppelt.",
    "This folder is watched: {why}.": "Dieser Ordner wird beobachtet: {why}.",
    "Try again": "Erneut versuchen",
    "Try all again": "Alle erneut versuchen",
    "Undo": "Zurücknehmen",
    "Undo (until {time})": "Zurücknehmen (bis {time})",
    "Undo all": "Alle zurücknehmen",
    "Undone.": "Zurückgenommen.",
    "Undo is over.": "Das Zurücknehmen ist vorbei.",
    "Unlock the keyring": "Schlüsselbund entsperren",
    "Until I resume": "Bis ich fortsetze",
    "Until tomorrow": "Bis morgen",
    "Upload a file": "Datei hochladen",
    "Upload a file…": "Datei hochladen…",
    "Uploading": "Lädt hoch",
    "Uploading {count}": "Lädt {count} hoch",
    "Uploads are paused.": "Das Hochladen ist angehalten.",
    "Windows holds it off: switch BulletDrop on in Task Manager, under Startup apps.": (
        "Windows hält es aus: Schalten Sie BulletDrop im Task-Manager unter Autostart-Apps ein."
    ),
    "Windows's folder for screenshots": "der Ordner von Windows für Bildschirmfotos",
    "You named this file yourself at {time}.": "Sie haben diese Datei um {time} selbst angegeben.",
    "asks to be sent": "wartet auf Ihr Ja",
    "macOS holds it off: switch BulletDrop on in System Settings, General, Login Items.": (
        "macOS hält es aus: Schalten Sie BulletDrop in den Systemeinstellungen unter Allgemein, Anmeldeobjekte ein."
    ),
    "macOS may keep BulletDrop from it: System Settings, Privacy & Security, Local Network.": (
        "Vielleicht hält macOS BulletDrop fern: Systemeinstellungen, Datenschutz & Sicherheit, Lokales Netzwerk."
    ),
    "macOS's setting": "die Einstellung von macOS",
    "not uploaded": "nicht hochgeladen",
    "on its way": "unterwegs",
    "undone": "zurückgenommen",
    "the Game Bar puts recordings and screenshots of games here": (
        "die Game Bar legt Aufnahmen und Bilder von Spielen hier ab"
    ),
    "the desktop's folder for screenshots": "der Ordner des Desktops für Bildschirmfotos",
    "the environment's {variable}": "{variable} aus der Umgebung",
    "tomorrow, {time}": "morgen, {time}",
    "where Windows puts screenshots": "wo Windows Bildschirmfotos ablegt",
    "where macOS puts screenshots": "wo macOS Bildschirmfotos ablegt",
    "where most desktops put screenshots": "wo die meisten Desktops Bildschirmfotos ablegen",
    "yesterday": "gestern",
    "1 asks before it is sent": "1 fragt, bevor er gesendet wird",
    "{count} ask before they are sent": "{count} fragen, bevor sie gesendet werden",
    "{count} not accepted": "{count} nicht angenommen",
    "{count} screenshots uploaded.": "{count} Screenshots hochgeladen.",
    "{count} screenshots wait for the server": "{count} Screenshots warten auf den Server",
    "{count} screenshots were not accepted.": "{count} Screenshots wurden nicht angenommen.",
    "{count} screenshots.": "{count} Screenshots.",
    "{count} waiting": "{count} warten",
    "{folder} may not be read. {cure}": "{folder} darf nicht gelesen werden. {cure}",
    "{name} has another link now: {link}": "{name} hat jetzt einen anderen Link: {link}",
    "{name} has stopped growing. It is sent once it is whole.": (
        "{name} wächst nicht mehr. Er wird gesendet, sobald er vollständig ist."
    ),
    "The file of {name} is not there any more: it cannot be sent again.": (
        "Die Datei von {name} ist nicht mehr da: Sie kann nicht noch einmal gesendet werden."
    ),
    "{name} does not ask any more: that was answered before.": (
        "{name} fragt nicht mehr: Das wurde schon beantwortet."
    ),
    "{name} is on the server already. Undo it instead: then its link ends.": (
        "{name} ist schon auf dem Server. Nehmen Sie es zurück: Dann endet der Link."
    ),
    "{name} is empty, cannot be read, or went away.": "{name} ist leer, nicht lesbar oder nicht mehr da.",
    "{name} is only half there: its writer stopped. It is looked at again every few minutes.": (
        "{name} ist nur halb da: Das schreibende Programm hörte auf. Alle paar Minuten wird wieder nachgesehen."
    ),
    "{name} was deleted, moved away or made unreadable before it could be sent.": (
        "{name} wurde gelöscht, verschoben oder unlesbar, bevor es gesendet werden konnte."
    ),
    "{who}'s setting": "die Einstellung von {who}",
}
