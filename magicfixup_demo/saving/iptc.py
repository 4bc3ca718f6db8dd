"""What a picture says about itself: which part a model had in it (IPTC, as XMP), for people and for programs."""

from xml.sax.saxutils import quoteattr

KEYWORD = "XML:com.adobe.xmp"  # the iTXt keyword that XMP has in PNG, never packed (XMP part 3, 1.1.5)
_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# "Composite with trained algorithmic media": made by a model inside a photo, which is what a fix-up is. An arrangement
# that no model has seen is "human-edited media".
EDITED_BY_MODEL = _SOURCES + "compositeWithTrainedAlgorithmicMedia"
EDITED_BY_HAND = _SOURCES + "humanEdits"


def xmp_packet(tool: str, model: str = "", revision: str = "") -> str:
    """An XMP packet for a result of ``model``, or without one for an arrangement. ``tool``: our name and version."""
    facts = {"xmp:CreatorTool": tool, "Iptc4xmpExt:DigitalSourceType": EDITED_BY_MODEL if model else EDITED_BY_HAND}
    if model:
        facts["Iptc4xmpExt:AISystemUsed"] = f"{tool}, model {model}"
    if revision:
        facts["Iptc4xmpExt:AISystemVersionUsed"] = revision
    written = "\n    ".join(f"{name}={quoteattr(value)}" for name, value in facts.items())
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    {written}/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
