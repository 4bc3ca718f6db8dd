"""All doors."""

from tests.fuzz.door import Door
from tests.fuzz.doors import addresses, api, code, collages, links, page, photos, saved, server


def all_doors() -> list[Door]:
    modules = (photos, saved, collages, page, api, links, addresses, code, server)
    return [door for module in modules for door in module.DOORS]
