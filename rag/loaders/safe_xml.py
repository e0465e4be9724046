"""XML from strangers to a tree: entities are not expanded, nothing is fetched."""

from __future__ import annotations

from typing import Any, TypeAlias

from lxml import etree

Element: TypeAlias = Any  # lxml comes without types


def parse_xml(data: bytes) -> Element:
    """The root element. lxml's XMLSyntaxError, a SyntaxError, for what is not well formed."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
    )
    return etree.fromstring(data, parser)


def local_name(element: Element) -> str:
    """The name without its namespace, "" for comments and instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
