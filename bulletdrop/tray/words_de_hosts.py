"""What is wrong with another host's uploader (.sxcu) or its answer, in German."""

GERMAN_OF_OTHER_HOSTS: dict[str, str] = {
    "{host} leads from one address to the next without an end.": (
        "{host} verweist endlos von einer Adresse auf die nächste."
    ),
    "“{address}” is no address.": "„{address}“ ist keine Adresse.",
    "{host} took the file, but what came back is no link: “{link}”.": (
        "{host} hat die Datei angenommen, aber was zurückkam, ist kein Link: „{link}“."
    ),
    "{host} took the file, but no link came back: {why}": (
        "{host} hat die Datei angenommen, aber es kam kein Link zurück: {why}"
    ),
    "{host} leads to “{address}”, which is no address.": "{host} verweist auf „{address}“, was keine Adresse ist.",
    "{host} cannot keep this private. Change the folder's rule, or send it to your own server.": (
        "{host} kann das nicht privat halten. Ändern Sie die Regel des Ordners, oder senden Sie es an Ihren Server."
    ),
    "{host} does not end links. Change the folder's rule, or send it to your own server.": (
        "{host} lässt Links nicht enden. Ändern Sie die Regel des Ordners, oder senden Sie es an Ihren Server."
    ),
    "The header {name} would hold a line break.": "Die Kopfzeile {name} enthielte einen Zeilenumbruch.",
    "This uploader is too old: it needs a Version above 12.3.1.": (
        "Dieser Uploader ist zu alt: Er braucht eine Version über 12.3.1."
    ),
    "This file is too large to be a custom uploader.": "Diese Datei ist zu groß für einen Uploader.",
    "This file is no custom uploader: it is no JSON object.": (
        "Diese Datei ist kein Uploader: Sie ist kein JSON-Objekt."
    ),
    "This file is no custom uploader: it is no JSON.": "Diese Datei ist kein Uploader: Sie ist kein JSON.",
    "This file is no custom uploader: it has no Version.": "Diese Datei ist kein Uploader: Ihr fehlt Version.",
    "{where} holds characters that no text has.": "{where} enthält Zeichen, die in keinem Text stehen.",
    "DestinationType “{kind}” is not known.": "DestinationType „{kind}“ ist nicht bekannt.",
    "This uploader takes no files: it is for texts or links alone.": (
        "Dieser Uploader nimmt keine Dateien an: Er ist nur für Texte oder Links."
    ),
    "Files are not sent by {method}. RequestMethod is POST, PUT or PATCH.": (
        "Mit {method} werden keine Dateien gesendet. RequestMethod ist POST, PUT oder PATCH."
    ),
    "Body is MultipartFormData or Binary where files are sent.": (
        "Body ist MultipartFormData oder Binary, wo Dateien gesendet werden."
    ),
    "FileFormName is missing: the form's field for the file.": (
        "FileFormName fehlt: das Feld des Formulars für die Datei."
    ),
    "RequestURL is missing: the address to send to.": "RequestURL fehlt: die Adresse, an die gesendet wird.",
    "RequestURL is no address such as https://host.example/upload.": (
        "RequestURL ist keine Adresse wie https://host.example/upload."
    ),
    "RequestURL has a name before its host. It belongs into Headers.": (
        "RequestURL hat einen Namen vor dem Host. Er gehört in Headers."
    ),
    "RequestURL has too many parameters.": "RequestURL hat zu viele Parameter.",
    "{name} is no text.": "{name} ist kein Text.",
    "{name} is no table of texts.": "{name} ist keine Tabelle von Texten.",
    "{name} has too many rows.": "{name} hat zu viele Zeilen.",
    "“{name}” is no name of a header.": "„{name}“ ist kein Name einer Kopfzeile.",
    "{where} uses %{code}, which BulletDrop does not know.": "{where} benutzt %{code}, was BulletDrop nicht kennt.",
    "{where} repeats %{code} too often.": "{where} wiederholt %{code} zu oft.",
    "“{path}” is in the host's answer several times.": "„{path}“ steht mehrmals in der Antwort des Dienstes.",
    "“{path}” is no single value in the host's answer.": (
        "„{path}“ ist in der Antwort des Dienstes kein einzelner Wert."
    ),
    "“{path}” is a path that BulletDrop does not read.": "„{path}“ ist ein Pfad, den BulletDrop nicht liest.",
    "The host's answer is XML with a document type, which is not read.": (
        "Die Antwort des Dienstes ist XML mit einem Dokumenttyp; das wird nicht gelesen."
    ),
    "The host's answer is no JSON.": "Die Antwort des Dienstes ist kein JSON.",
    "The host's answer is no XML.": "Die Antwort des Dienstes ist kein XML.",
    "The pattern “{pattern}” cannot be read.": "Das Muster „{pattern}“ ist nicht lesbar.",
    "The pattern “{pattern}” takes too long.": "Das Muster „{pattern}“ braucht zu lange.",
    "The pattern could not be tried.": "Das Muster ließ sich nicht anwenden.",
    "{where} is too long.": "{where} ist zu lang.",
    "A value came out too long.": "Ein Wert wurde zu lang.",
    "{where} has too many functions in it.": "{where} enthält zu viele Funktionen.",
    "{where} uses a function that is not known: {name}.": "{where} benutzt eine unbekannte Funktion: {name}.",
    "{name} in {where} needs {least} or more values.": "{name} in {where} braucht mindestens {least} Werte.",
    "In {where} a function's name is made by another one.": (
        "In {where} wird der Name einer Funktion von einer anderen gemacht."
    ),
}
