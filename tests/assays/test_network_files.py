"""The network that ships: used while it fits the biology, replaced when it does not."""

from __future__ import annotations

import json

import pytest

from nicheloop import biology
from nicheloop.assays import compiled
from nicheloop.biology import PROMOTERS
from nicheloop.equations import rules
from nicheloop.equations.network import Network


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """The networks as BioNetGen makes them now; slow, so once."""
    folder = tmp_path_factory.mktemp("networks")
    compiled.write_networks(folder)
    return folder


@pytest.fixture(scope="module")
def model():
    return biology.build_model()


@pytest.fixture
def elsewhere(fresh, model, tmp_path, monkeypatch):
    """A package whose networks are in a folder of the test, with an empty cache."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for file in fresh.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(compiled, "shipped_folder", lambda: folder)
    monkeypatch.setattr(biology, "build_model", lambda stroma_promoter: model, raising=False)
    monkeypatch.setenv("NICHELOOP_CACHE", str(tmp_path / "cache"))
    return folder


def load(promoter):
    return compiled.load_network.__wrapped__(promoter)


def refuse(*arguments, **options):
    raise AssertionError("this was not to be called")


def edited(folder, **changes):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))


def test_the_shipped_networks_are_those_of_the_biology(fresh):
    """After a change of the biology: ``python -m nicheloop.assays.compiled``."""
    shipped = compiled.shipped_folder()
    manifest = json.loads((shipped / "manifest.json").read_text())
    assert manifest["models"] == json.loads((fresh / "manifest.json").read_text())["models"]
    for promoter in PROMOTERS:
        kept, made = (Network.load(folder / f"{promoter}.json.gz") for folder in (shipped, fresh))
        assert kept.digest == made.digest


@pytest.mark.parametrize("promoter", PROMOTERS)
def test_an_unchanged_biology_needs_neither_pysb_nor_bionetgen(promoter, elsewhere, monkeypatch):
    monkeypatch.setattr(rules, "model_digest", refuse)
    monkeypatch.setattr(rules, "network_from_model", refuse)
    assert load(promoter).name == f"nicheloop_{promoter}"


def test_a_changed_comment_needs_no_new_network(elsewhere, monkeypatch):
    edited(elsewhere, sources="of yesterday")
    monkeypatch.setattr(rules, "network_from_model", refuse)
    assert load("nfkb") == load("nfkb")


def test_changed_rules_make_a_new_network_once(elsewhere, monkeypatch):
    expected = load("nfkb")
    monkeypatch.setattr(rules, "network_from_model", lambda model: expected)
    edited(elsewhere, sources="of yesterday", models={"nfkb": "of yesterday"})
    assert load("nfkb") == expected
    monkeypatch.setattr(rules, "network_from_model", refuse)
    assert load("nfkb") == expected


def test_a_damaged_cache_is_made_anew(elsewhere, tmp_path, monkeypatch):
    expected = load("nfkb")
    monkeypatch.setattr(rules, "network_from_model", lambda model: expected)
    edited(elsewhere, sources="of yesterday", models={})
    assert load("nfkb") == expected
    (cached,) = (tmp_path / "cache" / "networks").iterdir()
    cached.write_bytes(cached.read_bytes()[:100])
    assert load("nfkb") == expected
    assert len(cached.read_bytes()) > 100


def test_without_networks_and_without_bionetgen_the_error_says_what_to_install(elsewhere, monkeypatch):
    edited(elsewhere, sources="of yesterday", models={})

    def missing(model):
        raise rules.NetworkGenerationError('pip install "nicheloop[rules]"')

    monkeypatch.setattr(rules, "network_from_model", missing)
    with pytest.raises(rules.NetworkGenerationError, match="pip install"):
        load("nfkb")


def test_a_changed_source_changes_the_digest(tmp_path, monkeypatch):
    for name, text in (("a.py", b"x = 1\n"), ("b.py", b"y = 2\n"), ("c.csv", b"1\n")):
        (tmp_path / name).write_bytes(text)
    monkeypatch.setattr(compiled.resources, "files", lambda package: tmp_path)
    first = compiled.sources_digest()
    (tmp_path / "c.csv").write_bytes(b"2\n")
    (tmp_path / "a.py").write_bytes(b"x = 1\r\n")
    assert compiled.sources_digest() == first
    (tmp_path / "a.py").write_bytes(b"x = 3\n")
    assert compiled.sources_digest() != first
