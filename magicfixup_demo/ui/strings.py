"""Every sentence that the server side of the page says; the browser's own are in ``web/page/strings.js``."""

TITLE = "Magic Fixup"
LOADING_SEGMENTER = "Getting the selection model ready"
LOADING_ENGINE = "Getting the repair model ready"
NO_MODEL = "There is no such model on this server; choose one in the settings."
READING_PHOTO = "Looking at your photo"
STARTING = "Starting"
FINISHING = "Preparing the pictures"
WAITING = "{ordinal} in line{about}"
ABOUT = ", about {time}"
LINE_FULL = "{people} people are waiting here already; try again in a minute. Your arrangement is still here."
ENOUGH_OF_YOURS = {
    "reading": "Several photos of yours are being read; wait until they are done, then click again.",
    "drawing": "Your last arrangement is still being drawn; wait for it, or press Stop.",
    "saving": "Files of yours are being made already; wait until they are done, then save again.",
    "fixing": "Your last arrangement is still being fixed up; wait for it, or press Stop.",
    "preparing": "The ground behind your objects is being prepared already; wait until that is done.",
}
PHOTO_GONE = "The server no longer holds this photo; open it again, your arrangement is kept."
NOT_AN_UPLOAD = "This file did not arrive as an upload; choose it again with Open photo."
NO_EXAMPLE = "This example is not here any more; choose another one."
ARRANGING = "Arranging: layer {layer} of {layers}"
MUCH_TO_DRAW = "This arrangement has too many large layers to be drawn; delete some, or take a smaller photo."
NOTHING_MOVED = "Nothing has changed yet; drag an object to a new place first, then fix it up."
RESULT_GONE = "This result is no longer kept; press Fix it up again to make it anew (same seed, same picture)."
BAD_REQUEST = "The page sent something that cannot be understood; reload the page."
SURPRISE = "Something went wrong on the server; your work is kept, please try once more."
MEMORY_FULL = "The server's memory is full at the moment; your work is kept, try again in a minute."
DISK_FULL = "The server's disk is full at the moment; your work is kept on this page, try again in a few minutes."
DISK_SHUT = "The server's disk cannot be written to at the moment; your work is kept on this page, try again later."
PROMPT_LONG = "The prompt has over {most} characters; shorten it."
SDEDIT_UNASKED = (
    "Without the SDEdit comparison: Stable Diffusion 1.4 ({size}) would be downloaded for it; tick it in the settings."
)
OTHER_MISSING = "Without the other model beside it: {problem}"

# Saving
NOTHING_TO_SAVE = "There is no result yet: press Fix it up first, or save the picture with its collage."
SAVE_FORM = "Choose a way to save: picture, picture and collage, or everything."
SAVE_AGAIN = "The file was not fetched in time; save it again."
SAVED_BLANK = "The file came out wrong and was not saved; please try once more."
SAVED_SOURCES = (
    "This arrangement has objects of other photos that are not in this file ({names}); open a file that was saved with "
    "the photos inside."
)
SAVED_MANY = "This file has objects of more than {most} other photos; that is too many to open at once."

# Links
LINK_GONE = "This link is wrong or has ended, or its maker has deleted it; ask for a new one."
LINK_DAMAGED = "What this link leads to is damaged on the server; ask its maker for a new one."
LINK_NOT_YOURS = "This link can only be deleted in the browser that made it."
LINK_DAYS = "A link lasts {days} days; choose one of these."
LINK_TOO_LARGE = "This photo and its objects are over {most} MB, too much for a link; save them as a file instead."
LINK_SOURCES = "A link keeps objects of at most {most} other photos; save the collage as a file instead."
LINKS_OF_VISIT = "A visit may make {most} links; delete one that you no longer need, then try again."
LINKS_FULL = "This server has no room for another link now; save the collage as a file, or try again tomorrow."
LINKS_DISK_FULL = "The server's disk for links is full; save the collage as a file instead."
LINKS_UNREACHABLE = "The server's folder for links cannot be used at the moment; save the collage as a file instead."
LINKS_FOLDER = "{folder} cannot be used for links ({reason}); choose another data folder."
LINKS_SERVED = "{folder} lies in a folder that the page shows to browsers; choose another place for the links."

# For programs: see ui/api.py
ONLY_UPLOADS = "Only files that you upload, and data: URLs, are read here; addresses are not fetched."
NO_COLLAGE = "The collage must be a JSON object with segments and layers."
SOURCES_DIFFER = "There are {files} other photos, but the collage names {ids}; give one file for each of its sources."
MANY_TO_FIND = "At most {most} objects are found in one call; give the masks of the others."
NOTHING_TO_LIFT = "Nothing is named to be removed; give masks of the objects, or points on them."
MANY_MASKS = "At most {most} masks of this size are read in one call; unite some of them in one picture."
MASK_OF_MANY = "Mask {number}: {problem}"
CANNOT_LIFT = "The model {name} here only repairs arrangements; call fixup with segments that have no layer instead."
LOGIN = "MAGICFIXUP_AUTH must be a name and a password with a colon between them; set it so, or not at all."
