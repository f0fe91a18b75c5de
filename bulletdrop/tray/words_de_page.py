"""The tray's own page and its control server in German; the other texts of the tray stand in words_de.py."""

GERMAN_OF_THE_PAGE: dict[str, str] = {
    "* stands for anything. Empty: every picture and recording.": (
        "* steht für alles. Leer: jedes Bild und jede Aufnahme."
    ),
    "A computer": "Ein Rechner",
    "A custom uploader (.sxcu) sends to a host that is no BulletDrop: no link in advance, and perhaps twice.": (
        "Ein Custom Uploader (.sxcu) sendet an einen Dienst, der kein BulletDrop ist: kein Link im Voraus, und "
        "vielleicht zweimal."
    ),
    "A new picture or recording in a watched folder is uploaded. What lies there already stays here.": (
        "Ein neues Bild oder eine neue Aufnahme in einem beobachteten Ordner wird hochgeladen. Was schon dort "
        "liegt, bleibt hier."
    ),
    "A picture came into {path}, which is not watched. Watch it?": (
        "Ein Bild kam in {path}, und dieser Ordner wird nicht beobachtet. Beobachten?"
    ),
    "A span such as 12h, 7d or 2w. Empty: never.": "Eine Dauer wie 12h, 7d oder 2w. Leer: nie.",
    "Address": "Adresse",
    "After the upload": "Nach dem Hochladen",
    "An uploader that cannot be read": "Ein Uploader, der sich nicht lesen lässt",
    "Another file? Drop it into the gallery in your browser, or run:": (
        "Noch eine Datei? Ziehen Sie sie im Browser in die Galerie, oder rufen Sie auf:"
    ),
    "Another folder": "Ein weiterer Ordner",
    "As": "Als",
    "As the system": "Wie das System",
    "Ask before sending": "Vor dem Senden fragen",
    "Asking {server} …": "{server} wird gefragt …",
    "Asks you first": "Fragt zuerst",
    "At once": "Sofort",
    "Before the upload, offline too. Who opens it early sees the picture arrive.": (
        "Vor dem Hochladen, auch offline. Wer ihn früh öffnet, sieht das Bild ankommen."
    ),
    "Begin the test": "Test beginnen",
    "Bring in a custom uploader": "Einen Custom Uploader einbringen",
    "BulletDrop does not start by itself.": "BulletDrop startet nicht von selbst.",
    "BulletDrop has ended": "BulletDrop ist beendet",
    "BulletDrop is paused: screenshots are noticed, and sent later.": (
        "BulletDrop ist angehalten: Screenshots werden bemerkt und später gesendet."
    ),
    "BulletDrop itself": "BulletDrop selbst",
    "BulletDrop starts when you sign in.": "BulletDrop startet, wenn Sie sich anmelden.",
    "Captures": "Aufnahmen",
    "Check everything": "Alles prüfen",
    "Check once more": "Noch einmal prüfen",
    "Checking …": "Es wird geprüft …",
    "Choose Settings in the menu of the icon, start BulletDrop once more, or type:": (
        "Wählen Sie Einstellungen im Menü des Symbols, starten Sie BulletDrop noch einmal, oder tippen Sie:"
    ),
    "Choose one": "Einen wählen",
    "Clipboard": "Zwischenablage",
    "Code from the server's page (optional)": "Code von der Seite des Servers (freiwillig)",
    "Copy the link": "Den Link kopieren",
    "Data folder": "Datenordner",
    "Delete here and on the server": "Hier und auf dem Server löschen",
    "Do it now": "Jetzt erledigen",
    "Do not watch it": "Nicht beobachten",
    "Does it save at all? Some only copy the picture until they are told to save it, too.": (
        "Speichert es überhaupt? Manche kopieren das Bild nur, bis man ihnen sagt, dass sie es auch speichern sollen."
    ),
    "End BulletDrop": "BulletDrop beenden",
    "Every other folder": "Jeder andere Ordner",
    "Everybody with the link": "Alle mit dem Link",
    "File": "Datei",
    "Folders": "Ordner",
    "For ten seconds nobody else can open a new upload.": (
        "Zehn Sekunden lang kann niemand sonst etwas neu Hochgeladenes öffnen."
    ),
    "Forget all": "Alle vergessen",
    "Forget its rules": "Seine Regeln vergessen",
    "General": "Allgemein",
    "Go on to the page": "Weiter zur Seite",
    "Health": "Zustand",
    "In this network": "In diesem Netz",
    "In this order": "In dieser Reihenfolge",
    "In use now": "Jetzt in Gebrauch",
    "In use: {name}": "In Gebrauch: {name}",
    "Into the album": "In das Album",
    "It appeared in a folder that is watched.": "Er erschien in einem Ordner, der beobachtet wird.",
    "It did not work: {why}": "Es hat nicht geklappt: {why}",
    "It gets a key of its own, which can be revoked on the server at any time.": (
        "Er bekommt einen eigenen Schlüssel, der auf dem Server jederzeit widerrufen werden kann."
    ),
    "It is not shown any more. The file stays here.": "Er wird nicht mehr gezeigt. Die Datei bleibt hier.",
    "It is only told, never installed. This is version {version}.": (
        "Sie wird nur gemeldet, nie installiert. Dies ist Version {version}."
    ),
    "It is sent now.": "Er wird jetzt gesendet.",
    "It is being deleted here and on the server. The file goes into the bin.": (
        "Es wird hier und auf dem Server gelöscht. Die Datei kommt in den Papierkorb."
    ),
    "It is being undone. The file stays here.": "Es wird zurückgenommen. Die Datei bleibt hier.",
    "It is tried again now.": "Er wird jetzt noch einmal versucht.",
    "It is tried again {when}.": "Der nächste Versuch: {when}.",
    "It works: {name} was noticed.": "Es klappt: {name} wurde bemerkt.",
    "Its link goes to the clipboard, and it is listed here.": (
        "Der Link kommt in die Zwischenablage, und hier steht er in der Liste."
    ),
    "Its text": "Sein Text",
    "Language": "Sprache",
    "Last event:": "Letztes Ereignis:",
    "Links held ready": "Bereitgehaltene Links",
    "Look for a newer version once a day": "Einmal am Tag nach einer neueren Version sehen",
    "Look through the folders now": "Ordner jetzt durchsehen",
    "Looking through the folders.": "Die Ordner werden durchgesehen.",
    "Looks at everything that can be wrong, each with its cure. As “bulletdrop doctor” does.": (
        "Sieht alles durch, was falsch sein kann, jeweils mit der Abhilfe. So wie „bulletdrop doctor“."
    ),
    "Markdown": "Markdown",
    "Needs you": "Braucht Sie",
    "No folder is watched": "Kein Ordner wird beobachtet",
    "No screenshot was noticed within a minute.": "Eine Minute lang wurde kein Screenshot bemerkt.",
    "No server in this network has told of itself yet.": "In diesem Netz hat sich noch kein Server gemeldet.",
    "Nobody said yes in time. Begin anew.": "Niemand hat rechtzeitig zugestimmt. Beginnen Sie neu.",
    "None is watched.": "Keiner wird beobachtet.",
    "None yet. Pair this computer with your server below.": (
        "Noch keiner. Koppeln Sie diesen Rechner unten mit Ihrem Server."
    ),
    "Not accepted": "Nicht angenommen",
    "Not complete": "Nicht vollständig",
    "Not uploaded": "Nicht hochgeladen",
    "Nothing: the clipboard stays as it is": "Nichts: die Zwischenablage bleibt, wie sie ist",
    "Noticed": "Bemerkt",
    "Of a game, a camera, a phone's sync: whatever new appears there is uploaded.": (
        "Von einem Spiel, einer Kamera, einem Telefon: Was dort neu erscheint, wird hochgeladen."
    ),
    "Offline": "Offline",
    "Offline, {count} wait": "Offline, {count} warten",
    "On its way": "Unterwegs",
    "Once more": "Noch einmal",
    "Only files named": "Nur Dateien namens",
    "Only if its page shows you one, under Devices. Otherwise a code is shown here.": (
        "Nur wenn seine Seite Ihnen einen zeigt, unter Geräte. Sonst wird hier ein Code gezeigt."
    ),
    "Only me": "Nur ich",
    "Open the server's page": "Seite des Servers öffnen",
    "Open this page, sign in, compare the code and say yes:": (
        "Öffnen Sie diese Seite, melden Sie sich an, vergleichen Sie den Code, und stimmen Sie zu:"
    ),
    "Pair": "Koppeln",
    "Pair with {name}": "Mit {name} koppeln",
    "Paired with {server} as {username}.": "Mit {server} als {username} gekoppelt.",
    "Part “Health” says how each folder is watched, and whether something is wrong with it.": (
        "Der Teil „Zustand“ sagt, wie jeder Ordner beobachtet wird und ob etwas daran nicht stimmt."
    ),
    "Parts of this page": "Teile dieser Seite",
    "Path": "Pfad",
    "Paused until {when}": "Angehalten bis {when}",
    "Private until Undo is over": "Privat, bis die Zeit zum Zurücknehmen vorbei ist",
    "Put the file into the bin once the server has it": "Die Datei in den Papierkorb legen, sobald der Server sie hat",
    "Queue and server": "Warteschlange und Server",
    "Ready": "Bereit",
    "Reason": "Grund",
    "Remove": "Entfernen",
    "Rules for every other folder": "Regeln für jeden anderen Ordner",
    "Rules for folders that have none of their own.": "Regeln für Ordner ohne eigene.",
    "Rules for this folder": "Regeln für diesen Ordner",
    "Save": "Speichern",
    "Saved.": "Gespeichert.",
    "Saved. It holds for the next screenshot.": "Gespeichert. Es gilt für den nächsten Screenshot.",
    "Screenshots are kept on disk, and found at the next start.": (
        "Screenshots bleiben auf der Platte und werden beim nächsten Start gefunden."
    ),
    "Seen": "Gesehen",
    "Send it": "Senden",
    "Sent": "Gesendet",
    "Server": "Server",
    "Servers": "Server",
    "Show it in the list": "In der Liste zeigen",
    "Show more": "Mehr zeigen",
    "Show notifications": "Benachrichtigungen zeigen",
    "Shows which file it becomes, and from which folder.": "Zeigt, welche Datei daraus wird und aus welchem Ordner.",
    "Skip to the content": "Zum Inhalt",
    "So that no screenshot is missed. Those taken while BulletDrop was off are found at its next start.": (
        "Damit kein Screenshot fehlt. Was entstand, während BulletDrop aus war, wird beim nächsten Start gefunden."
    ),
    "Somebody else's host": "Ein fremder Dienst",
    "Something happened in {path}, but it was no picture that its rules take.": (
        "In {path} geschah etwas, aber es war kein Bild, das seine Regeln nehmen."
    ),
    "Something went wrong. BulletDrop's log says what.": (
        "Etwas ist schiefgegangen. Das Protokoll von BulletDrop sagt, was."
    ),
    "Start BulletDrop when I sign in": "BulletDrop starten, wenn ich mich anmelde",
    "Start at login": "Start bei der Anmeldung",
    "State": "Stand",
    "Stop waiting": "Nicht mehr warten",
    "Stop watching": "Nicht mehr beobachten",
    "Take a screenshot now": "Jetzt einen Screenshot machen",
    "Take a screenshot, as you usually do. Waiting for {seconds} s more …": (
        "Machen Sie einen Screenshot, so wie immer. Es wird noch {seconds} s gewartet …"
    ),
    "Take a screenshot.": "Machen Sie einen Screenshot.",
    "The address of the album's page, or its id. Empty: none.": (
        "Die Adresse der Seite des Albums oder seine Kennung. Leer: keines."
    ),
    "The check could not be started: {why}": "Die Prüfung ließ sich nicht starten: {why}",
    "The check did not end in time.": "Die Prüfung wurde nicht rechtzeitig fertig.",
    "The check did not work. Try it in a terminal: bulletdrop doctor": (
        "Die Prüfung hat nicht geklappt. Versuchen Sie es in einem Terminal: bulletdrop doctor"
    ),
    "The file goes into this computer's bin, the upload off the server.": (
        "Die Datei kommt in den Papierkorb dieses Rechners, die hochgeladene Kopie wird vom Server genommen."
    ),
    "The file is gone": "Die Datei ist weg",
    "The first is used. The next stands in while those before it are away, not while one refuses its key.": (
        "Der erste wird benutzt. Der nächste springt ein, solange die vor ihm weg sind, nicht aber, wenn einer seinen"
        " Schlüssel ablehnt."
    ),
    "The key lies in": "Der Schlüssel liegt in",
    "The link": "Der Link",
    "The link ends after": "Der Link endet nach",
    "The link goes to the clipboard.": "Der Link kommt in die Zwischenablage.",
    "The link of the file itself": "Der Link der Datei selbst",
    "The link of the page": "Der Link der Seite",
    "The picture and its link": "Das Bild und sein Link",
    "The rules of {path} are gone.": "Die Regeln von {path} sind weg.",
    "There is no folder {path}.": "Es gibt keinen Ordner {path}.",
    "There is no small picture of this file.": "Von dieser Datei gibt es kein kleines Bild.",
    "There is nothing at this address.": "Unter dieser Adresse gibt es nichts.",
    "This address is for opening the page.": "Diese Adresse dient dem Öffnen der Seite.",
    "This address is too old. Open the page anew from BulletDrop.": (
        "Diese Adresse ist zu alt. Öffnen Sie die Seite neu aus BulletDrop."
    ),
    "This address was used already. Open the page anew from BulletDrop.": (
        "Diese Adresse wurde schon benutzt. Öffnen Sie die Seite neu aus BulletDrop."
    ),
    "This came from another page and was not done.": "Das kam von einer anderen Seite und wurde nicht ausgeführt.",
    "This cannot be done here.": "Das geht hier nicht.",
    "This is no address of a server. Write it like https://drop.example.org.": (
        "Das ist keine Adresse eines Servers. Schreiben Sie sie wie https://drop.example.org."
    ),
    "This network cannot be searched.": "Dieses Netz lässt sich nicht durchsuchen.",
    "This page belongs to another person on this computer.": "Diese Seite gehört jemand anderem an diesem Rechner.",
    "This page has ended": "Diese Seite ist beendet",
    "This page has ended. Open it anew from BulletDrop.": "Diese Seite ist beendet. Öffnen Sie sie neu aus BulletDrop.",
    "This page is opened from BulletDrop itself.": "Diese Seite wird aus BulletDrop selbst geöffnet.",
    "This page is too old. Load it anew and try again.": (
        "Diese Seite ist zu alt. Laden Sie sie neu, und versuchen Sie es noch einmal."
    ),
    "This server is not in the list.": "Dieser Server steht nicht in der Liste.",
    "This server is not to be seen in the network any more.": "Dieser Server ist im Netz nicht mehr zu sehen.",
    "Try it out": "Ausprobieren",
    "Undone": "Zurückgenommen",
    "Uploaded": "Hochgeladen",
    "Uploads go there first.": "Hochgeladen wird zuerst dorthin.",
    "Uploads go to your server again.": "Hochgeladen wird wieder auf Ihren Server.",
    "Uploads go to {host} from now on.": "Hochgeladen wird von nun an zu {host}.",
    "Use first": "Zuerst benutzen",
    "Use it": "Benutzen",
    "Use my server again": "Wieder meinen Server benutzen",
    "Version": "Version",
    "Waiting": "Wartend",
    "Waiting for the yes …": "Es wird auf die Zustimmung gewartet …",
    "Waits": "Wartet",
    "Watch it": "Beobachten",
    "Watch it all the same": "Trotzdem beobachten",
    "Wayland, by the program wl-copy": "Wayland, durch das Programm wl-copy",
    "Wayland, kept by BulletDrop itself": "Wayland, von BulletDrop selbst gehalten",
    "X11, by the program xclip": "X11, durch das Programm xclip",
    "X11, seen to keep what is copied": "X11, behält Kopiertes nachweislich",
    "fine": "in Ordnung",
    "Other things come here too. Every new picture and recording directly in this folder is uploaded, whatever it is "
    "for; those in its subfolders are not.": (
        "Hierher kommt auch anderes. Jedes neue Bild und jede neue Aufnahme direkt in diesem Ordner wird hochgeladen, "
        "wofür auch immer; was in Unterordnern liegt, nicht."
    ),
    "Watch this folder?": "Diesen Ordner beobachten?",
    "Watched folder": "Beobachteter Ordner",
    "Watcher alive": "Beobachtung läuft",
    "What is copied": "Was kopiert wird",
    "What you paste after a screenshot.": "Was Sie nach einem Screenshot einfügen.",
    "When it is copied": "Wann er kopiert wird",
    "When the server has the picture.": "Wenn der Server das Bild hat.",
    "Where does your screenshot program save? If that folder is not in this list, add it below.": (
        "Wohin speichert Ihr Screenshot-Programm? Steht der Ordner nicht in dieser Liste, fügen Sie ihn unten hinzu."
    ),
    "Where screenshots go, and by what right.": "Wohin Screenshots gehen und mit welchem Recht.",
    "Who may see them": "Wer sie sehen darf",
    "Why is this here?": "Warum steht das hier?",
    "Why was this uploaded?": "Warum wurde das hochgeladen?",
    "Write the whole path of the folder, from / or ~ on.": "Schreiben Sie den ganzen Pfad des Ordners, ab / oder ~.",
    "a plain file that only you may read; no keyring could keep it": (
        "eine einfache Datei, die nur Sie lesen dürfen; kein Schlüsselbund konnte ihn aufbewahren"
    ),
    "absent": "nicht da",
    "asks first": "fragt zuerst",
    "ends after {span}": "endet nach {span}",
    "every folder": "jedem Ordner",
    "held to its certificate {start}…": "an sein Zertifikat {start}… gebunden",
    "in a moment": "gleich",
    "in {count} min": "in {count} min",
    "into an album": "in ein Album",
    "its rules": "seine Regeln",
    "just now": "gerade eben",
    "last event {when}": "letztes Ereignis {when}",
    "look here": "ansehen",
    "looked through every few seconds": "alle paar Sekunden durchgesehen",
    "named when BulletDrop was started": "beim Start von BulletDrop genannt",
    "no event yet": "noch kein Ereignis",
    "none yet": "noch keiner",
    "not there; BulletDrop waits for it to appear": "nicht da; BulletDrop wartet, bis er erscheint",
    "not watched": "nicht beobachtet",
    "nothing yet": "noch nichts",
    "only {names}": "nur {names}",
    "private": "privat",
    "queue {count}": "Warteschlange {count}",
    "stands in while the first is away": "springt ein, solange der erste weg ist",
    "the environment": "der Umgebung",
    "the environment (BULLETDROP_TOKEN)": "der Umgebung (BULLETDROP_TOKEN)",
    "the file is in the bin": "die Datei liegt im Papierkorb",
    "the keyring (Secret Service)": "dem Schlüsselbund (Secret Service)",
    "the keyring of macOS": "dem Schlüsselbund von macOS",
    "Windows's store of credentials": "der Anmeldeinformationsverwaltung von Windows",
    "the uploader's file": "der Datei des Uploaders",
    "the settings": "den Einstellungen",
    "the system tells of each new file": "das System meldet jede neue Datei",
    "the system's own": "die des Systems",
    "then into the bin": "danach in den Papierkorb",
    "there is none here": "hier gibt es keine",
    "today, {clock}": "heute, {clock}",
    "tomorrow, {clock}": "morgen, {clock}",
    "watched": "beobachtet",
    "without clipboard": "ohne Zwischenablage",
    "wrong": "falsch",
    "yesterday, {clock}": "gestern, {clock}",
    "you added it": "von Ihnen hinzugefügt",
    "{count} min ago": "vor {count} min",
    "The server that BulletDrop started here ends with it: its links do not open until it runs again.": (
        "Der Server, den BulletDrop hier gestartet hat, endet mit ihm: Seine Links öffnen sich erst danach wieder."
    ),
    "{count} not complete": "{count} nicht vollständig",
    "{count} of {all} folders watched": "{count} von {all} Ordnern beobachtet",
    "{path} belongs to the system: it is not watched.": "{path} gehört dem System und wird nicht beobachtet.",
    "{path} is BulletDrop's own: it is not watched.": "{path} gehört BulletDrop selbst und wird nicht beobachtet.",
    "{path} is not watched any more. What is new there stays here.": (
        "{path} wird nicht mehr beobachtet. Was dort neu ist, bleibt hier."
    ),
    "{path} is watched. What lies there already stays here.": (
        "{path} wird beobachtet. Was schon dort liegt, bleibt hier."
    ),
    "{server} is out of the list, and its key is forgotten here.": (
        "{server} ist aus der Liste, und sein Schlüssel ist hier vergessen."
    ),
    "“{span}” is no span. Write 12h, 7d or 2w.": "„{span}“ ist keine Dauer. Schreiben Sie 12h, 7d oder 2w.",
}
