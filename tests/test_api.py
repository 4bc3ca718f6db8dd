"""The endpoints as programs use them: through gradio_client, over plain HTTP, and as MCP tools."""

import base64
import contextlib
import io
import re
from pathlib import Path

import cv2
import gradio as gr
import numpy as np
import pytest
from browser.fakes import DISC, DISC_AT, SMALL, SQUARE, SQUARE_AT, FakeEngine, scene, stand_ins
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from magicfixup_demo.errors import CollageError, ModelError, OptionError, PhotoError, SegmentationError
from magicfixup_demo.images import png_bytes, save_png
from magicfixup_demo.ui import strings, uploads
from magicfixup_demo.ui.api import Api
from magicfixup_demo.ui.examples import EXAMPLES_FOLDER
from magicfixup_demo.ui.page import launch_options, login_of
from magicfixup_demo.ui.uploads import UploadedPhotos
from tests.loops import run
from tests.served import served

README = Path(__file__).resolve().parents[1] / "README.md"
SENT = ("photo", "photo2", "mask2")  # names of files; what segment answers is a mask.png
TO_THE_RIGHT = [1, 0, 0, 1, 120, 10]
COLLAGE = {
    "segments": [{"id": "disc", "points": [list(DISC_AT)]}],
    "layers": [{"id": "1", "segment": "disc", "matrix": TO_THE_RIGHT}],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(url, engine, services) of a page over the fakes, with an upload folder of its own."""
    patch, folder = pytest.MonkeyPatch(), str(tmp_path_factory.mktemp("uploads"))
    patch.setenv("GRADIO_TEMP_DIR", folder)
    if launch_options()["mcp_server"]:
        patch.setattr("gradio.mcp.DEFAULT_TEMP_DIR", folder)  # read when the module was imported
    engine = FakeEngine()
    services = stand_ins(engine, FakeEngine(SMALL))  # what lifts is not the default
    with served(services) as url:
        yield url, engine, services
    patch.undo()


@pytest.fixture(scope="module")
def client(server, tmp_path_factory) -> Client:
    return Client(server[0], verbose=False, analytics_enabled=False, download_files=tmp_path_factory.mktemp("got"))


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    save_png(path, scene())
    return path


def pixels(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def uploaded() -> list[Path]:
    """Files that clients sent and that are still there."""
    return [path for path in Path(get_upload_folder()).rglob("*") if path.is_file() and path.stem in SENT]


# What the endpoints do


def test_four_endpoints_are_documented_and_no_others(client):
    api = client.view_api(return_format="dict")
    assert set(api["named_endpoints"]) == {"/segment", "/render", "/fixup", "/lift"} and not api["unnamed_endpoints"]
    names = [parameter["parameter_name"] for parameter in api["named_endpoints"]["/fixup"]["parameters"]]
    assert names == ["photo", "collage", "model", "seed", "steps", "sampler", "sources"]


def test_segment_returns_the_mask_at_the_photos_size(client, photo):
    mask = pixels(client.predict(handle_file(photo), points=[list(DISC_AT)], api_name="/segment"))
    assert mask.shape == (400, 600) and set(np.unique(mask)) == {0, 255}
    assert abs(int((mask > 0).sum()) - np.pi * 60**2) < 300
    x, y = SQUARE_AT
    box = [x - 50, y - 40, x + 50, y + 40]
    square = pixels(client.predict(handle_file(photo), box=box, api_name="/segment"))
    assert square[y, x] == 255 and square[DISC_AT[1], DISC_AT[0]] == 0
    neither = [list(DISC_AT), list(SQUARE_AT)]
    left = pixels(client.predict(handle_file(photo), points=neither, exclude=[list(SQUARE_AT)], api_name="/segment"))
    assert left[DISC_AT[1], DISC_AT[0]] == 255 and left[y, x] == 0


def test_soft_masks_follow_a_soft_edge(client, tmp_path):
    save_png(tmp_path / "photo.png", cv2.GaussianBlur(scene(), (0, 0), 2))
    photo, options = handle_file(tmp_path / "photo.png"), {"points": [list(DISC_AT)], "api_name": "/segment"}
    hard, soft = (pixels(client.predict(photo, **options, soft=wanted)) for wanted in (False, True))
    assert set(np.unique(hard)) == {0, 255} and len(np.unique(soft)) > 10


def test_render_takes_points_or_masks_alike(client, photo):
    found = pixels(client.predict(handle_file(photo), collage=COLLAGE, api_name="/render"))
    mask = Path(client.predict(handle_file(photo), points=[list(DISC_AT)], soft=True, api_name="/segment"))
    given = {"id": "disc", "left": 0, "top": 0, "mask": base64.b64encode(mask.read_bytes()).decode()}
    collage = {**COLLAGE, "segments": [given]}
    same = pixels(client.predict(handle_file(photo), collage=collage, api_name="/render"))
    assert found.shape == (400, 600, 4)
    np.testing.assert_array_equal(found, same)
    x, y = DISC_AT
    assert found[y, x - 30, 3] == 0 and found[y + 10, x + 120, 3] == 255


def test_corners_of_a_found_object_are_those_of_its_own_box(client, photo):
    wide = {**COLLAGE["layers"][0], "matrix": [1, 0, 0, 1, 0, 0], "distort": [[-40, 0], [40, 0], [40, 0], [-40, 0]]}
    edit = pixels(client.predict(handle_file(photo), collage={**COLLAGE, "layers": [wide]}, api_name="/render"))
    left, right = np.flatnonzero((edit[DISC_AT[1], :, :3] == DISC).all(axis=1))[[0, -1]]
    assert abs(right - left - (120 + 80)) <= 6


def test_objects_of_other_photos(client, photo, tmp_path):
    save_png(tmp_path / "photo2.png", scene()[::2, ::-2])  # mirrored, half as large: its disc is at (224, 100)
    collage = {
        "sources": [{"id": "mirrored"}],
        "segments": [{"id": "disc", "source": "mirrored", "points": [[224, 100]]}],
        "layers": [{"id": "1", "segment": "disc", "matrix": [1, 0, 0, 1, 100, 200]}],
    }
    files = [handle_file(tmp_path / "photo2.png")]
    edit = pixels(client.predict(handle_file(photo), collage=collage, sources=files, api_name="/render"))
    assert (edit[..., 3] == 255).all(), "the photo keeps no hole"
    assert tuple(edit[300, 324, :3]) == DISC
    assert not uploaded()
    for wrong in ({**collage, "sources": []}, {**collage, "sources": 2 * collage["sources"]}, COLLAGE):
        with pytest.raises(AppError, match="give one file for each"):
            client.predict(handle_file(photo), collage=wrong, sources=files, api_name="/render")
    with pytest.raises(AppError, match="give one file for each"):
        twice = {**collage, "sources": 2 * collage["sources"]}
        client.predict(handle_file(photo), collage=twice, sources=2 * files, api_name="/render")
    with pytest.raises(AppError, match="give one file for each"):
        client.predict(handle_file(photo), collage=collage, api_name="/render")


def test_no_more_photos_are_read_than_a_collage_may_have(server, monkeypatch):
    read = []
    monkeypatch.setattr(server[2].uploads, "read", lambda file: read.append(file) or scene())
    with pytest.raises(CollageError, match="give one file for each"):
        Api(server[2]).render({}, {**COLLAGE, "sources": [{"id": f"p{i}"} for i in range(500)]}, [{}] * 500)
    assert len(read) < 20


def test_fixup_repairs_and_the_file_says_how(server, client, photo):
    _, engine, _ = server
    engine.asked.clear()
    path = client.predict(handle_file(photo), collage=COLLAGE, seed=7, steps=3, api_name="/fixup")
    assert (engine.asked[0].seed, engine.asked[0].steps, engine.asked[0].sdedit) == (7, 3, False)
    with Image.open(path) as picture:
        assert picture.size == (600, 400)
        assert picture.text["Comment"] == "model fake, seed 7, 3 steps"
        assert "compositeWithTrainedAlgorithmicMedia" in str(picture.info)
    again = client.predict(handle_file(photo), collage=COLLAGE, seed=7, steps=3, api_name="/fixup")
    np.testing.assert_array_equal(pixels(path), pixels(again))


def mask_file(folder: Path, at: tuple[int, int]) -> Path:
    """A white square of 100 x 100 pixels around a point of the scene."""
    mask = np.zeros((400, 600), np.uint8)
    mask[at[1] - 50 : at[1] + 50, at[0] - 50 : at[0] + 50] = 255
    save_png(folder / "mask2.png", mask)
    return folder / "mask2.png"


def test_lift_removes_what_masks_and_points_name_and_the_file_says_how(server, client, photo, tmp_path):
    small = server[2].engines.get("small", print)
    small.lifted.clear()
    asked = {"masks": [handle_file(mask_file(tmp_path, SQUARE_AT))], "points": [list(DISC_AT)], "seed": 7}
    path = client.predict(handle_file(photo), **asked, api_name="/lift")
    removed, seed = small.lifted[0]
    expected = (scene() == DISC).all(axis=2)
    expected[80:180, 400:500] = True
    np.testing.assert_array_equal(removed, expected)
    assert seed == 7
    with Image.open(path) as picture:
        assert picture.text["Comment"] == "model small, seed 7, 1 steps"
        assert "compositeWithTrainedAlgorithmicMedia" in str(picture.info)
    lifted = pixels(path)
    np.testing.assert_array_equal(lifted[~removed], scene()[~removed])
    assert not (lifted == DISC).all(axis=2).any() and not (lifted == SQUARE).all(axis=2).any()
    assert not uploaded()


def test_lift_takes_the_masks_of_segment_and_one_file_twice(server, client, photo):
    small = server[2].engines.get("small", print)
    small.lifted.clear()
    mask = client.predict(handle_file(photo), points=[list(DISC_AT)], api_name="/segment")
    client.predict(handle_file(photo), masks=[handle_file(mask), handle_file(mask)], api_name="/lift")
    client.predict(handle_file(photo), points=[list(DISC_AT)], api_name="/lift")
    (by_mask, _), (by_point, _) = small.lifted
    np.testing.assert_array_equal(by_mask, by_point)


def test_lifting_stands_in_the_line_of_fix_ups_and_large_photos_go_on_aside(monkeypatch):
    services, turns = stand_ins(FakeEngine(SMALL)), []

    class Lines:
        def turn(self, line, who, waiting, piece):
            turns.append((line, who, piece.kind, piece.aside))
            return contextlib.nullcontext()

    monkeypatch.setattr(services, "fixing", Lines())
    for height, width in ((40, 60), (4000, 4000)):
        photo, mask = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), bool)
        mask[5:9, 5:9] = True
        monkeypatch.setattr(services.uploads, "read", lambda file, photo=photo: photo)
        monkeypatch.setattr(services.uploads, "read_mask", lambda *_, mask=mask: mask)
        Api(services).lift({}, [{}])
    assert turns == [("fixing", "", None, False), ("fixing", "", None, True)]


def test_the_real_model_lifts(photo):
    from magicfixup_demo.ui.models import engine_loader, falling_back

    services = stand_ins(FakeEngine(), FakeEngine(SMALL), load=falling_back(engine_loader("torch", "cpu")))
    lifted = pixels(Api(services).lift(as_data_url(photo), points=[list(DISC_AT)])["path"]).astype(int)
    disc = (scene() == DISC).all(axis=2)
    around = cv2.dilate(disc.astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    np.testing.assert_array_equal(lifted[~around], scene()[~around])
    ground = scene()[around & ~disc].astype(int)
    assert np.abs(lifted[disc].mean(axis=0) - ground.mean(axis=0)).max() < 15, "no red is left"


def test_a_server_whose_model_cannot_lift_says_what_to_do(photo):
    class OnlyRepairs(FakeEngine):
        @property
        def lift(self):
            raise AttributeError

    for engine, said in ((OnlyRepairs(SMALL), "call fixup"), (FakeEngine(), "no such model")):
        with pytest.raises(ModelError, match=said):
            Api(stand_ins(engine)).lift(as_data_url(photo), points=[list(DISC_AT)])


def test_uploads_are_gone_after_use_and_calls_at_once_with_one_photo_do_not_miss_it(server, client, photo):
    jobs = [client.submit(handle_file(photo), collage=COLLAGE, seed=seed, api_name="/fixup") for seed in range(6)]
    assert [pixels(job.result()).shape for job in jobs] == 6 * [(400, 600, 3)]
    assert not uploaded() and len(server[2].photos) == 0


# What they refuse


@pytest.mark.parametrize(
    ("endpoint", "options"),
    [
        ("/segment", {}),
        ("/segment", {"points": [[600, 5]]}),
        ("/segment", {"points": [[5]]}),
        ("/segment", {"points": ["x"]}),
        ("/segment", {"exclude": [[5, 5]]}),
        ("/segment", {"box": [5, 5, 5, 5]}),
        ("/render", {"collage": []}),
        ("/render", {"collage": {"segments": 5}}),
        ("/render", {"collage": {"segments": [{"id": "a"}], "layers": []}}),
        ("/render", {"collage": {"segments": [{"points": [[150, 200]]}], "layers": []}}),
        ("/render", {"collage": {**COLLAGE, "photo": {"width": 601, "height": 400}}}),
        (
            "/render",
            {"collage": {"segments": [{"id": str(i), "points": [[150, 200]]} for i in range(21)], "layers": []}},
        ),
        ("/fixup", {"collage": {"segments": [], "layers": []}}),
        ("/fixup", {"collage": COLLAGE, "seed": -1}),
        ("/fixup", {"collage": COLLAGE, "seed": "1"}),
        ("/fixup", {"collage": COLLAGE, "steps": 51}),
        ("/fixup", {"collage": COLLAGE, "sampler": "other"}),
        ("/fixup", {"collage": COLLAGE, "model": "other"}),
        ("/lift", {}),
        ("/lift", {"masks": [], "points": []}),
        ("/lift", {"points": [[600, 5]]}),
        ("/lift", {"points": [5, 5]}),
        ("/lift", {"points": [[150, 200], ["x"]]}),
        ("/lift", {"points": 21 * [[150, 200]]}),
        ("/lift", {"points": [[150, 200]], "seed": -1}),
        ("/lift", {"points": [[150, 200]], "seed": "1"}),
        ("/lift", {"masks": ["x"]}),
    ],
)
def test_what_cannot_be_done_is_a_sentence(client, photo, endpoint, options):
    with pytest.raises(AppError) as problem:
        client.predict(handle_file(photo), **options, api_name=endpoint)
    assert re.search(r"[a-z0-9.]\.$", str(problem.value)), str(problem.value)
    assert "verbose error" not in str(problem.value) and str(problem.value) != strings.SURPRISE
    assert not uploaded()


@pytest.mark.parametrize(
    ("size", "said"), [((600, 399), "Mask 2: .*600 x 399.*600 x 400"), ((600, 400), "Mask 2: .*nothing in it is white")]
)
def test_a_mask_that_cannot_be_used_is_named(client, photo, tmp_path, size, said):
    Image.new("L", size).save(tmp_path / "photo2.png")
    masks = [handle_file(mask_file(tmp_path, DISC_AT)), handle_file(tmp_path / "photo2.png")]
    with pytest.raises(AppError, match=said):
        client.predict(handle_file(photo), masks=masks, api_name="/lift")
    assert not uploaded()


def test_no_more_masks_are_read_than_a_collage_may_have(server, monkeypatch):
    uploads_of = server[2].uploads
    monkeypatch.setattr(uploads_of, "read_mask", lambda *_: pytest.fail("read"))
    for side, most in ((400, 100), (7000, 4)):
        photo = np.zeros((side, side, 3), np.uint8)
        monkeypatch.setattr(uploads_of, "read", lambda file, photo=photo: photo)
        with pytest.raises(SegmentationError, match=f"At most {most} masks"):
            Api(server[2]).lift({}, [{}] * (most + 1))


def test_a_file_that_is_no_photo_is_a_sentence_and_is_gone(client, tmp_path):
    (tmp_path / "photo.txt").write_text("nonsense")
    with pytest.raises(AppError, match="not a picture"):
        client.predict(handle_file(tmp_path / "photo.txt"), points=[[1, 1]], api_name="/segment")
    assert not uploaded()


def call(url: str, name: str, data: list) -> str:
    """The answer to a call over plain HTTP, where a client may name whatever it likes; server-sent events as text."""
    import httpx

    event = httpx.post(f"{url}gradio_api/call/{name}", json={"data": data}).json()
    if "event_id" not in event:
        return str(event)
    return httpx.get(f"{url}gradio_api/call/{name}/{event['event_id']}", timeout=60).text


def test_plain_http_takes_data_urls(server, photo):
    assert "event: complete" in call(server[0], "segment", [as_data_url(photo), [list(DISC_AT)], None, None, False])
    for broken in ("data:", "data:image/png;base64,%%%", "data:image/png;base64,AAAA", "data:text/html,<b>"):
        assert "event: error" in call(server[0], "segment", [broken, [[1, 1]], None, None, False])


@pytest.mark.parametrize("meta", [{"meta": {"_type": "gradio.FileData"}}, {}])
@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "http://example.org/photo.png",
        "https://example.org/gradio_api/file=/etc/passwd",
        "../../etc/passwd",
    ]
    + ["http://127.0.0.1:1/gradio_api/file=/proc/self/environ", "file:///etc/passwd", str(README), ""],
)
def test_no_address_is_fetched_and_no_file_of_the_server_is_read(server, monkeypatch, path, meta):
    url, engine, services = server
    asked = []

    async def fetch(*args, **options):
        asked.append(args)
        raise AssertionError("an address was fetched")

    def read(source):
        asked.append(source)
        raise AssertionError("a file was read")

    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_download", fetch)
    monkeypatch.setattr(uploads, "open_photo", read)
    for name, rest in (
        ("segment", [[[1, 1]], None, None, False]),
        ("render", [COLLAGE]),
        ("fixup", [COLLAGE, "", 0, None, ""]),
        ("lift", [None, [[1, 1]], 0]),
    ):
        for photo in ({"path": path, **meta}, path):
            answer = call(url, name, [photo, *rest])
            assert "event: error" in answer or "error" in answer, answer
            assert "event: complete" not in answer
    monkeypatch.setattr(uploads, "open_photo", lambda source: scene())
    monkeypatch.setattr(uploads, "open_mask", lambda source, *size: read(source))
    for mask in ({"path": path, **meta}, path):
        answer = call(url, "lift", ["data:image/png;base64,AAAA", [mask], None, 0])
        assert "error" in answer and "event: complete" not in answer, answer
    assert not asked


def test_the_pages_own_events_fetch_nothing_either(server, monkeypatch):
    page = gr.Blocks()
    with page:
        box = gr.File()
    uploads.uploads_only(page)
    for place in ("http://example.org/x.png", "https://example.org/gradio_api/file=/etc/passwd"):
        with pytest.raises(gr.Error, match="not fetched"):
            run(box.async_move_resource_to_block_cache(place))


def test_kept_pixels_are_bounded_and_forgotten(tmp_path, monkeypatch):
    folder = tmp_path / "uploads"  # behind a link, as the folder of temporary files is on some systems
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    now = [0.0]
    kept = UploadedPhotos(clock=lambda: now[0], most_bytes=2 * 32 * 32 * 3)
    files = [folder / f"{i}.png" for i in range(3)]
    for shade, path in enumerate(files):
        path.write_bytes(png_bytes(np.full((32, 32, 3), shade, np.uint8)))
        assert kept.read({"path": str(path)})[0, 0, 0] == shade and not path.exists()
    assert len(kept) == 2 and kept.read({"path": str(files[2])})[0, 0, 0] == 2
    with pytest.raises(PhotoError):
        kept.read({"path": str(files[0])})
    now[0] = uploads.KEPT_SECONDS
    kept.sweep()
    assert len(kept) == 0


def test_a_file_that_is_photo_and_mask_is_kept_as_either(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    kept, path = UploadedPhotos(), tmp_path / "0.png"
    for read in (lambda: kept.read({"path": str(path)}), lambda: kept.read_mask({"path": str(path)}, 50, 40)):
        path.write_bytes(png_bytes(np.full((40, 50, 3), 200, np.uint8)))
        first = read()
        assert not path.exists() and read() is first
    assert kept.read({"path": str(path)}).shape == (40, 50, 3)
    with pytest.raises(PhotoError, match="files that you upload"):
        kept.read_mask({"path": str(path)}, 40, 50)


# MCP


def as_data_url(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def with_mcp(url: str, work):
    """What ``work(session)`` returns, over a connection to the server's MCP endpoint."""
    pytest.importorskip("mcp", reason="needs the MCP library (pip install 'gradio[mcp]')")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def talk():
        async with (
            streamablehttp_client(f"{url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await work(session)

    return run(talk())


def test_mcp_tools_say_what_they_do(server):
    tools = {tool.name: tool for tool in with_mcp(server[0], lambda session: session.list_tools()).tools}
    assert set(tools) == {"segment", "render", "fixup", "lift"}
    assert tools["fixup"].description.startswith("Rearrange objects of a photo and make a realistic photo of it")
    assert set(tools["fixup"].inputSchema["properties"]) == {
        "photo",
        "collage",
        "model",
        "seed",
        "steps",
        "sampler",
        "sources",
    }
    assert tools["fixup"].inputSchema["required"] == ["photo", "collage"]
    assert tools["lift"].description.startswith("Remove objects from a photo")
    assert set(tools["lift"].inputSchema["properties"]) == {"photo", "masks", "points", "seed"}
    assert tools["lift"].inputSchema["required"] == ["photo"]
    for tool in tools.values():
        assert all(field.get("description") for field in tool.inputSchema["properties"].values()), tool.name


def test_mcp_tools_work_with_a_photo_in_the_call(server, photo, tmp_path):
    async def work(session):
        mask = await session.call_tool("segment", {"photo": as_data_url(photo), "points": [list(DISC_AT)]})
        result = await session.call_tool("fixup", {"photo": as_data_url(photo), "collage": COLLAGE, "seed": 3})
        sources = {"sources": [as_data_url(photo)], "collage": {**COLLAGE, "sources": [{"id": "p"}]}}
        other = await session.call_tool("render", {"photo": as_data_url(photo), **sources})
        assert not other.isError, other
        masks = [as_data_url(mask_file(tmp_path, SQUARE_AT))]
        lifted = await session.call_tool("lift", {"photo": as_data_url(photo), "masks": masks})
        return mask, result, lifted

    mask, result, lifted = with_mcp(server[0], work)
    assert not mask.isError and not result.isError and not lifted.isError, (mask, result, lifted)
    plate = np.asarray(Image.open(io.BytesIO(base64.b64decode(lifted.content[0].data))))
    assert plate.shape == (400, 600, 3) and (plate[130, 450] != SQUARE).any() and (plate[200, 150] == DISC).all()
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(mask.content[0].data))))
    assert picture.shape[:2] == (400, 600) and picture[DISC_AT[1], DISC_AT[0]].max() == 255
    picture = Image.open(io.BytesIO(base64.b64decode(result.content[0].data)))
    assert picture.size == (600, 400)
    assert server[1].asked[-1].seed == 3
    import gradio.mcp

    copies = [path.read_bytes() for path in Path(gradio.mcp.DEFAULT_TEMP_DIR).glob("*/file.*")]
    assert photo.read_bytes() not in copies, "Gradio's own copy of a data: URL is gone too"
    assert (tmp_path / "mask2.png").read_bytes() not in copies


def test_mcp_refusals_are_sentences(server, photo):
    async def work(session):
        return [
            await session.call_tool("segment", {"photo": as_data_url(photo), "points": [[9999, 0]]}),
            await session.call_tool("segment", {"photo": "http://example.org/x.png", "points": [[1, 1]]}),
            await session.call_tool("segment", {"photo": "/etc/passwd", "points": [[1, 1]]}),
        ]

    outside, address, path = with_mcp(server[0], work)
    assert outside.isError and "outside the photo" in outside.content[0].text
    assert address.isError and strings.ONLY_UPLOADS in address.content[0].text
    assert path.isError and "root:" not in path.content[0].text


def test_the_page_starts_without_the_mcp_library(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert launch_options()["mcp_server"] is False


# Who may come


def test_a_login_keeps_others_out_of_page_api_and_tools(monkeypatch):
    monkeypatch.setenv("MAGICFIXUP_AUTH", "ann:a:secret")
    options = launch_options()
    assert options["auth"] == ("ann", "a:secret")
    import httpx

    with served(stand_ins(), options=options) as url:
        assert httpx.post(f"{url}gradio_api/mcp/", json={}, follow_redirects=True).status_code in (401, 404, 405)
        for path in ("gradio_api/info", f"gradio_api/file={EXAMPLES_FOLDER}/examples.json", "config"):
            assert httpx.get(url + path).status_code == 401, path
        assert httpx.post(f"{url}gradio_api/call/segment", json={"data": 5 * [None]}).status_code == 401
        known = Client(url, verbose=False, analytics_enabled=False, auth=("ann", "a:secret"))
        assert "/segment" in known.view_api(return_format="dict")["named_endpoints"]


@pytest.mark.parametrize("text", ["ann", "ann:", ":secret", ":"])
def test_half_a_login_is_no_login(text):
    with pytest.raises(OptionError, match="colon"):
        login_of(text)


# README


def snippets() -> list[str]:
    """The Python blocks of README.md between the heading API and the next one."""
    section = re.search(r"^##+ API\b.*?$(.*?)(?=^##+ |\Z)", README.read_text("utf-8"), re.M | re.S)
    return re.findall(r"^```python\n(.*?)^```", section[1], re.M | re.S)


def test_the_examples_of_the_readme_run_as_they_stand(server, photo, tmp_path, monkeypatch, capsys):
    blocks = snippets()
    assert len(blocks) >= 4
    save_png(tmp_path / "photo.jpg", scene())
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for block in blocks:
        assert "http://127.0.0.1:7860" in block or names, "the first block connects"
        exec(block.replace("http://127.0.0.1:7860", server[0]), names)
    for name in ("result.png", "plate.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.size == (600, 400)
