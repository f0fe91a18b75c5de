"""Errors in German: by their form where their sentence says more, else by their code."""

# A title, and a sentence: what happened, then what to do.
GERMAN_OF_CODES: dict[str, tuple[str, str]] = {
    "access_denied": ("Nicht zugelassen", "Auf der Seite des Servers wurde Nein gesagt, oder das Konto ist gesperrt."),
    "already_running": ("BulletDrop läuft schon", "BulletDrop läuft auf diesem Datenordner bereits."),
    "answer_unread": (
        "Die Antwort des Dienstes ist nicht lesbar",
        "Der andere Dienst hat die Datei vielleicht angenommen, aber keinen Link genannt. Sehen Sie dort nach.",
    ),
    "authorization_pending": ("Noch nicht zugelassen", "Auf der Seite des Servers steht das Ja noch aus."),
    "bad_body": ("Die Anfrage ist nicht lesbar", "Der Server konnte die Anfrage nicht lesen. Versuchen Sie es erneut."),
    "bad_config": ("Eine Einstellung ist falsch", "Eine Einstellung passt nicht. „bulletdrop doctor“ sagt mehr."),
    "bad_csrf": ("Diese Seite ist zu alt", "Laden Sie die Seite neu, und versuchen Sie es noch einmal."),
    "bad_name": ("Dieser Name geht nicht", "Der Server nimmt diesen Dateinamen nicht an. Benennen Sie die Datei um."),
    "bad_picture": ("Dieses Bild ist kaputt", "Das Bild lässt sich nicht lesen und wurde nicht angenommen."),
    "bad_request": ("Die Anfrage ist nicht lesbar", "Der Server konnte die Anfrage nicht lesen."),
    "bad_sign_on": ("Nicht angemeldet", "Die Anmeldung über den anderen Anbieter hat nicht geklappt."),
    "bad_ticket": ("Das gilt nicht mehr", "Der Code oder Link ist verbraucht oder zu alt. Beginnen Sie neu."),
    "bad_local_request": ("Die Anfrage ist nicht lesbar", "BulletDrop konnte die Anfrage nicht lesen."),
    "blocked": ("Dieses Konto ist gesperrt", "Das Konto ist gesperrt. Wenden Sie sich an den Admin."),
    "busy": ("Später noch einmal", "Gerade geht es nicht. Es wird von selbst noch einmal versucht."),
    "certificate_changed": (
        "Das ist nicht der gekoppelte Server",
        "Der Server zeigt ein anderes Zertifikat, darum wurde nichts gesendet. Wurde er neu eingerichtet, koppeln Sie"
        " neu.",
    ),
    "conflict": ("Schon vorhanden", "Auf dem Server steht dem schon etwas im Weg."),
    "disk_full": (
        "Die Platte des Servers ist voll",
        "Die Platte des Servers ist voll. Später geht es vielleicht wieder.",
    ),
    "empty_file": ("Die Datei ist leer", "Die Datei ist leer und wurde nicht angenommen."),
    "error": ("Etwas ist schiefgegangen", "Etwas ist schiefgegangen. Das Protokoll von BulletDrop sagt, was."),
    "expired_key": ("Dieser Schlüssel ist abgelaufen", "Der Schlüssel dieses Rechners ist abgelaufen."),
    "expired_token": (
        "Dieser Code gilt nicht mehr",
        "Der Code ist falsch, verbraucht oder zu alt. Lassen Sie sich auf der Seite des Servers einen neuen geben.",
    ),
    "file_gone": ("Die Datei ist weg", "Die Datei wurde gelöscht oder verschoben, bevor sie gesendet werden konnte."),
    "forbidden": ("Nicht erlaubt", "Der Server erlaubt das nicht."),
    "gone": ("Nicht mehr da", "Das gibt es auf dem Server nicht mehr."),
    "internal": (
        "Der Server hatte einen Fehler",
        "Im Server ist ein Fehler aufgetreten. Es wird von selbst noch einmal versucht.",
    ),
    "internal_error": (
        "Im Server ist etwas schiefgegangen",
        "Der Fehler liegt beim Server, sein Protokoll sagt mehr. Versuchen Sie es später noch einmal.",
    ),
    "invalid": ("An der Anfrage stimmt etwas nicht", "Etwas an der Anfrage stimmt nicht. Sie wurde nicht angenommen."),
    "lock_unreadable": ("BulletDrop kann hier nicht starten", "Dieses Konto darf im Datenordner nicht schreiben."),
    "mail_refused": ("Der Mailserver nimmt sie nicht an", "Der Mailserver hat die Mail abgelehnt."),
    "method_not_allowed": ("Das geht hier nicht", "Der Server kennt das unter dieser Adresse nicht."),
    "missing_object": ("Diese Bytes fehlen", "Der Server findet die Bytes nicht in seiner Ablage."),
    "missing_scope": (
        "Dieser Schlüssel darf das nicht",
        "Der Schlüssel dieses Rechners hat dieses Recht nicht. Koppeln Sie neu.",
    ),
    "name_reserved": ("Dieser Name ist vergeben", "Dieser Name ist dem Server vorbehalten."),
    "name_taken": ("Dieser Name ist vergeben", "Diesen Namen gibt es auf dem Server schon."),
    "no_autostart": ("Der Start bei der Anmeldung ging nicht", "Der Eintrag ließ sich nicht ändern."),
    "no_chooser": ("Kein Dialog für Dateien", "Dieser Desktop bietet keinen Dialog für Dateien an."),
    "not_found": ("Nicht gefunden", "Das gibt es nicht oder nicht mehr."),
    "not_reserved": (
        "Dieser Link gehört nicht diesem Rechner",
        "Dieser Link wird nicht für diesen Rechner bereitgehalten.",
    ),
    "not_running": ("BulletDrop läuft nicht", "BulletDrop läuft nicht mehr."),
    "not_set_up": ("Dieser Server hat noch keinen Admin", "Öffnen Sie zuerst die Seite zum Einrichten."),
    "not_signed_in": ("Nicht gekoppelt", "Der Server nimmt den Schlüssel dieses Rechners nicht an."),
    "password_needed": ("Durch ein Passwort geschützt", "Dafür wird ein Passwort gebraucht."),
    "quota_full": (
        "Der Speicher ist voll",
        "Der Speicher des Kontos ist voll. Löschen Sie etwas, oder fragen Sie den Admin.",
    ),
    "rejected": ("Nicht angenommen", "Der Server hat das nicht angenommen."),
    "revoked_key": ("Dieser Schlüssel wurde widerrufen", "Der Schlüssel dieses Rechners wurde widerrufen."),
    "slow_down": ("Zu oft gefragt", "Der Server bittet, seltener zu fragen."),
    "stalled": ("Nicht vollständig", "Das schreibende Programm hörte mittendrin auf."),
    "still_arriving": ("Noch unterwegs", "Es ist noch unterwegs. Fragen Sie gleich noch einmal."),
    "too_big": ("Zu groß", "Die Datei ist größer, als der Server annimmt."),
    "too_many": ("Zu viel auf einmal", "Für den Augenblick ist es zu viel. Später geht es weiter."),
    "too_many_pixels": ("Dieses Bild hat zu viele Pixel", "Das Bild hat mehr Pixel, als der Server annimmt."),
    "too_slow": ("Das Hochladen war zu langsam", "Die Verbindung war zu langsam, der Server hat abgebrochen."),
    "tray_deaf": ("BulletDrop antwortet nicht", "BulletDrop läuft, antwortet aber nicht. Starten Sie es neu."),
    "truncated": ("Die Datei ist nicht vollständig", "Die Datei endet zu früh und wurde nicht angenommen."),
    "unavailable": ("Gerade nicht verfügbar", "Gerade geht es nicht. Es wird von selbst noch einmal versucht."),
    "unknown_host": (
        "Unter diesem Namen ist der Server nicht bekannt",
        "Der Server kennt sich nicht unter dieser Adresse. Nehmen Sie die, die er selbst nennt.",
    ),
    "unknown_type": ("Diese Art von Datei wird nicht angenommen", "Der Server nimmt diese Art von Datei nicht an."),
    "unreachable": ("Der Server ist nicht erreichbar", "Der Server ist nicht erreichbar."),
    "untrusted": ("Dem Zertifikat wird nicht vertraut", "Niemand bürgt für das Zertifikat dieses Servers."),
    "used_up": ("So oft geöffnet wie erlaubt", "Das wurde so oft geöffnet, wie es erlaubt war."),
    "vault_locked": ("Der Schlüsselbund ist gesperrt", "Der Schlüsselbund ist gesperrt. Entsperren Sie ihn."),
    "withdrawn": ("Dieses Bild wurde zurückgezogen", "Das Bild ist kaputt und wird nicht mehr gezeigt."),
    "wrong_digest": (
        "Die Bytes passen nicht zur Prüfsumme",
        "Unterwegs ging etwas verloren. Senden Sie die Datei noch einmal.",
    ),
    "wrong_passphrase": ("Das ist nicht das Kennwort", "Dieses Kennwort öffnet das Geheimnis nicht."),
}

GERMAN_OF_SENTENCES: dict[str, str] = {
    # The server's, of uploads: those with numbers and names that its code does not say.
    "Too large. This server takes up to {most}; this file has {size}.": (
        "Zu groß. Dieser Server nimmt bis zu {most} an; diese Datei hat {size}."
    ),
    "Too large. This server takes up to {most}; this upload has {size}.": (
        "Zu groß. Dieser Server nimmt bis zu {most} an; diese Datei hat {size}."
    ),
    "Too large. Your plan takes up to {most}; this file has {size}.": (
        "Zu groß. Ihr Tarif erlaubt bis zu {most}; diese Datei hat {size}."
    ),
    "Your storage is full: {used} of {most} used. Delete something or ask the admin.": (
        "Ihr Speicher ist voll: {used} von {most} belegt. Löschen Sie etwas, oder fragen Sie den Admin."
    ),
    "Your storage has no room for this: {used} of {most} used, and this needs {size}. Delete something or ask the "
    "admin.": (
        "Ihr Speicher hat dafür keinen Platz: {used} von {most} belegt, gebraucht werden {size}. Löschen Sie etwas,"
        " oder fragen Sie den Admin."
    ),
    "That were today's {most} uploads of your plan. Go on tomorrow (UTC), or ask the admin.": (
        "Das waren die {most} Dateien, die Ihr Tarif am Tag erlaubt. Morgen (UTC) geht es weiter, oder fragen Sie den"
        " Admin."
    ),
    "This server does not take {kind} files. It takes: {kinds}.": (
        "Dieser Server nimmt keine Dateien der Art {kind} an. Er nimmt: {kinds}."
    ),
    "The picture needs more than {seconds} seconds to decode.": (
        "Das Bild braucht mehr als {seconds} Sekunden zum Lesen."
    ),
    "The picture has {size} = {pixels} million pixels; at most {most} million are taken.": (
        "Das Bild hat {size} = {pixels} Millionen Pixel; höchstens {most} Millionen werden angenommen."
    ),
    "The server is stopping. Send the file again in a moment.": "Der Server hält gerade an. Es geht gleich weiter.",
    "The server is starting or stopping. Try again in a moment.": (
        "Der Server startet oder hält an. Es geht gleich weiter."
    ),
    # The way to a server, and pairing.
    "The server at {url} cannot be reached: {why}.": "Der Server unter {url} ist nicht erreichbar: {why}.",
    "it did not answer in time": "er hat nicht rechtzeitig geantwortet",
    "nobody listens there": "dort antwortet niemand",
    "its certificate is not trusted ({why})": "seinem Zertifikat wird nicht vertraut ({why})",
    "its name is not known": "sein Name ist nicht bekannt",
    "the connection broke": "die Verbindung ist abgerissen",
    "The server at {url} does not speak https. Use {plain}": (
        "Der Server unter {url} spricht kein https. Nehmen Sie {plain}"
    ),
    "What answers at {url} is not a BulletDrop server (status {status}).": (
        "Was unter {url} antwortet, ist kein BulletDrop-Server (Status {status})."
    ),
    "{url} sends to {where}. Use that address if it is your server's.": (
        "{url} verweist auf {where}. Nehmen Sie diese Adresse, wenn sie die Ihres Servers ist."
    ),
    "“{url}” is no server address. It looks like https://drop.example.org.": (
        "„{url}“ ist keine Adresse eines Servers. Sie sieht aus wie https://drop.example.org."
    ),
    "{url} was paired by its certificate, and http has none. Use https.": (
        "{url} wurde mit seinem Zertifikat gekoppelt, und http hat keines. Nehmen Sie https."
    ),
    "The server at {host} shows another certificate than when it was paired, so nothing was sent. If it was set up "
    "anew, pair again; if not, somebody else answers in its place. Its fingerprint now: {digits}": (
        "Der Server unter {host} zeigt ein anderes Zertifikat als beim Koppeln, darum wurde nichts gesendet. Wurde er"
        " neu eingerichtet, koppeln Sie neu; wenn nicht, antwortet jemand anderes an seiner Stelle. Sein Fingerabdruck"
        " jetzt: {digits}"
    ),
    "The server at {url} shows another certificate than the fingerprint you gave, so nothing was sent. Compare it with "
    "the server's page “Pair a device”. Its fingerprint: {digits}": (
        "Der Server unter {url} zeigt ein anderes Zertifikat als der angegebene Fingerabdruck, darum wurde nichts"
        " gesendet. Vergleichen Sie ihn mit der Seite „Pair a device“ des Servers. Sein Fingerabdruck: {digits}"
    ),
    "The server at {url} shows no certificate.": "Der Server unter {url} zeigt kein Zertifikat.",
    "{url} shows no certificate to compare with the fingerprint you gave. Use https.": (
        "{url} zeigt kein Zertifikat, das sich mit dem Fingerabdruck vergleichen ließe. Nehmen Sie https."
    ),
    "This is no link for pairing. It begins with bulletdrop://pair?": (
        "Das ist kein Link zum Koppeln. Er beginnt mit bulletdrop://pair?"
    ),
    "“{name}” does not answer.": "„{name}“ antwortet nicht.",
    "There is no network to look in: {why}.": "Es gibt kein Netz, in dem gesucht werden könnte: {why}.",
    "This client was closed.": "Die Verbindung wurde beendet.",
    "{keyring} holds the token: {why}. Unlock it.": ("{keyring} hält den Schlüssel: {why}. Entsperren Sie ihn."),
    # The tray's own.
    "BulletDrop is busy. Try again in a moment.": "BulletDrop ist beschäftigt. Versuchen Sie es gleich noch einmal.",
    "Something went wrong in BulletDrop. Its log says what.": (
        "In BulletDrop ist etwas schiefgegangen. Sein Protokoll sagt, was."
    ),
    "This address is for programs on this machine.": "Diese Adresse ist für Programme auf diesem Rechner.",
    "This address is not answered under that name.": "Unter diesem Namen wird hier nicht geantwortet.",
    "This screenshot has no link yet.": "Dieser Screenshot hat noch keinen Link.",
    "This capture is no longer in the list.": "Dieser Screenshot steht nicht mehr in der Liste.",
    "There is no file {path}.": "Es gibt keine Datei {path}.",
    "This desktop offers no dialog for files. Drop the file on the gallery's page instead.": (
        "Dieser Desktop bietet keinen Dialog für Dateien an. Ziehen Sie die Datei stattdessen in die Galerie."
    ),
    "Port {port} may not be used by this account. Set BULLETDROP_PORT to one above 1023.": (
        "Port {port} darf von diesem Konto nicht benutzt werden. Setzen Sie BULLETDROP_PORT auf einen über 1023."
    ),
    "Port {port} is taken by another program. End it, or set BULLETDROP_PORT to another port.": (
        "Port {port} ist von einem anderen Programm belegt. Beenden Sie es, oder setzen Sie BULLETDROP_PORT auf einen"
        " anderen."
    ),
    "{folder} does not exist yet.": "{folder} gibt es noch nicht.",
    "{folder} may not be read. Allow it in the system's privacy settings (Files and Folders).": (
        "{folder} darf nicht gelesen werden. Erlauben Sie es in den Systemeinstellungen (Dateien und Ordner)."
    ),
    "{folder} cannot be read: {why}.": "{folder} ist nicht lesbar: {why}.",
    "{folder} cannot be watched: {why}.": "{folder} lässt sich nicht beobachten: {why}.",
    "The system gives no events for this folder ({why}); it is read every few seconds instead.": (
        "Das System meldet für diesen Ordner nichts ({why}); er wird stattdessen alle paar Sekunden durchgesehen."
    ),
    "The system's limit for watching folders is used up, so the folder is read every few seconds instead. To raise it: "
    "{command}": (
        "Das System beobachtet nicht mehr Ordner als jetzt, darum wird dieser alle paar Sekunden durchgesehen. Mehr"
        " erlaubt: {command}"
    ),
}
