"""The tray's own page and its control server in German; the other texts of the tray stand in words_de.py."""

GERMAN_OF_THE_PAGE: dict[str, str] = {
    "Asks you first": "Fragt zuerst",
    "Both copies go: here into the bin, and on the server.": (
        "Beide Kopien gehen: hier in den Papierkorb und auf dem Server."
    ),
    "Captures": "Aufnahmen",
    "Choose Settings in the menu of the icon, start BulletDrop once more, or type:": (
        "Wählen Sie Einstellungen im Menü des Symbols, starten Sie BulletDrop noch einmal, oder tippen Sie:"
    ),
    "Delete here and on the server": "Hier und auf dem Server löschen",
    "Do it now": "Jetzt erledigen",
    "File": "Datei",
    "Folders": "Ordner",
    "Forget all": "Alle vergessen",
    "General": "Allgemein",
    "Go on to the page": "Weiter zur Seite",
    "Health": "Zustand",
    "It appeared in a folder that is watched.": "Er erschien in einem Ordner, der beobachtet wird.",
    "It is not shown any more. The file stays here.": "Er wird nicht mehr gezeigt. Die Datei bleibt hier.",
    "It is sent now.": "Er wird jetzt gesendet.",
    "It is taken back. The file stays here.": "Er wird zurückgenommen. Die Datei bleibt hier.",
    "It is tried again now.": "Er wird jetzt noch einmal versucht.",
    "It is tried again {when}.": "Der nächste Versuch: {when}.",
    "Its link goes to the clipboard, and it is listed here.": (
        "Der Link kommt in die Zwischenablage, und hier steht er in der Liste."
    ),
    "Look through the folders now": "Ordner jetzt durchsehen",
    "Looking through the folders.": "Die Ordner werden durchgesehen.",
    "Needs you": "Braucht Sie",
    "Not accepted": "Nicht angenommen",
    "Not complete": "Nicht vollständig",
    "Not uploaded": "Nicht hochgeladen",
    "Noticed": "Bemerkt",
    "Offline": "Offline",
    "Offline, {count} wait": "Offline, {count} warten",
    "On its way": "Unterwegs",
    "Parts of this page": "Teile dieser Seite",
    "Paused until {when}": "Angehalten bis {when}",
    "Ready": "Bereit",
    "Reason": "Grund",
    "Seen": "Gesehen",
    "Send it": "Senden",
    "Sent": "Gesendet",
    "Servers": "Server",
    "Show more": "Mehr zeigen",
    "Skip to the content": "Zum Inhalt",
    "Something went wrong. BulletDrop's log says what.": (
        "Etwas ist schiefgegangen. Das Protokoll von BulletDrop sagt, was."
    ),
    "Take a screenshot.": "Machen Sie einen Screenshot.",
    "Take back": "Zurücknehmen",
    "Taken back": "Zurückgenommen",
    "The file goes into this computer's bin, the upload off the server.": (
        "Die Datei kommt in den Papierkorb dieses Rechners, die hochgeladene Kopie wird vom Server genommen."
    ),
    "The file is gone": "Die Datei ist weg",
    "The link goes to the clipboard.": "Der Link kommt in die Zwischenablage.",
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
    "This page belongs to another person on this computer.": "Diese Seite gehört jemand anderem an diesem Rechner.",
    "This page has ended": "Diese Seite ist beendet",
    "This page has ended. Open it anew from BulletDrop.": "Diese Seite ist beendet. Öffnen Sie sie neu aus BulletDrop.",
    "This page is opened from BulletDrop itself.": "Diese Seite wird aus BulletDrop selbst geöffnet.",
    "This page is too old. Load it anew and try again.": (
        "Diese Seite ist zu alt. Laden Sie sie neu, und versuchen Sie es noch einmal."
    ),
    "Try it out": "Ausprobieren",
    "Uploaded": "Hochgeladen",
    "Waits": "Wartet",
    "Watched folder": "Beobachteter Ordner",
    "Why is this here?": "Warum steht das hier?",
    "Why was this uploaded?": "Warum wurde das hochgeladen?",
    "in a moment": "gleich",
    "in {count} min": "in {count} min",
    "its rules": "seine Regeln",
    "just now": "gerade eben",
    "private": "privat",
    "the file is in the bin": "die Datei liegt im Papierkorb",
    "today, {clock}": "heute, {clock}",
    "tomorrow, {clock}": "morgen, {clock}",
    "yesterday, {clock}": "gestern, {clock}",
    "{count} min ago": "vor {count} min",
}
