"""Encoders from transformers, on tiny random models that are made here and saved to disk."""

import json
import os
import shutil

import numpy as np
import pytest

from mediafm_store.arrays import unit_rows
from mediafm_store.encoders.encoder import Encoder
from mediafm_store.encoding import load_encoders
from mediafm_store.errors import InvalidInput

os.environ["HF_HUB_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

WORDS = ["<pad>", "<unk>", "<s>", "</s>", "a", "cat", "dog", "the", "moon", "red"]
SMALL = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
TEXT = {"vocab_size": len(WORDS), "max_position_embeddings": 12, "pad_token_id": 0}
SPECIAL = {"bos_token_id": 2, "eos_token_id": 3}
SIGHT = {"image_size": 32, "patch_size": 8}


def save_tokenizer(folder):
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        model_max_length=12,
    ).save_pretrained(folder)


def siglip(folder):
    config = transformers.SiglipConfig(
        text_config=SMALL | TEXT | SPECIAL | {"projection_size": 16}, vision_config=SMALL | SIGHT
    )
    transformers.SiglipModel(config).save_pretrained(folder)
    transformers.SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    save_tokenizer(folder)


def clip(folder):
    config = transformers.CLIPConfig(
        text_config=SMALL | TEXT | SPECIAL,
        vision_config=SMALL | SIGHT,
        projection_dim=1024,
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}
    ).save_pretrained(folder)
    save_tokenizer(folder)


def clap(folder):
    config = transformers.ClapConfig(
        text_config=SMALL | TEXT | SPECIAL | {"projection_hidden_act": "relu"},
        audio_config={
            "spec_size": 64,
            "num_mel_bins": 32,
            "patch_size": 4,
            "patch_stride": [4, 4],
            "patch_embeds_hidden_size": 16,
            "hidden_size": 32,
            "depths": [1, 1],
            "num_attention_heads": [2, 2],
            "num_hidden_layers": 2,
            "window_size": 4,
        },
        projection_dim=24,
    )
    transformers.ClapModel(config).save_pretrained(folder)
    transformers.ClapFeatureExtractor(
        feature_size=32, sampling_rate=48_000, max_length_s=1, truncation="rand_trunc"
    ).save_pretrained(folder)
    save_tokenizer(folder)


def wav2vec2(folder):
    config = transformers.Wav2Vec2Config(
        **SMALL,
        conv_dim=(8, 8),
        conv_stride=(5, 4),
        conv_kernel=(10, 8),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(folder)


def bert(folder, pooling="mean_tokens"):
    config = transformers.BertConfig(**SMALL, **TEXT)
    transformers.BertModel(config).save_pretrained(folder)
    save_tokenizer(folder)
    (folder / "1_Pooling").mkdir(exist_ok=True)
    facts = {f"pooling_mode_{pooling}": True, "word_embedding_dimension": 16}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(facts))


def pictures():
    rng = np.random.default_rng(0)
    shapes = [(40, 64, 3), (64, 40, 3), (9, 9, 3)]
    return [rng.integers(0, 255, shape, dtype=np.uint8) for shape in shapes]


def sounds():
    rng = np.random.default_rng(1)
    return [rng.normal(0, 0.1, n).astype(np.float32) for n in (16_000, 90_000, 7, 32_000)]


def texts():
    return ["a cat", "the red moon the red moon the red moon", "dog", "a red dog"]


KINDS = {
    "siglip": (siglip, "visual", pictures, True),
    "clip": (clip, "visual", pictures, True),
    "clap": (clap, "audio", sounds, True),
    "wav2vec2": (wav2vec2, "audio", sounds, False),
    "bert": (bert, "text", texts, True),
}


@pytest.fixture(scope="module", params=KINDS)
def case(request, tmp_path_factory):
    """A saved model, the encoder for it, and items for that."""
    make, modality, items, asked = KINDS[request.param]
    folder = tmp_path_factory.mktemp(request.param) / "model"
    folder.mkdir()
    torch.manual_seed(0)
    make(folder)
    encoder = load_encoders([f"hf={folder}"], device="cpu")[modality]
    return folder, encoder, items(), asked


def test_it_is_an_encoder(case):
    _, encoder, items, asked = case
    assert isinstance(encoder, Encoder)
    assert encoder.name == "hf=model"
    encoded = encoder.encode(items)
    assert encoded.blocks.shape == encoded.described.shape == (len(items), 768)
    assert np.allclose(np.linalg.norm(encoded.blocks, axis=1), 1, atol=1e-5)
    assert encoded.labels == [()] * len(items)
    assert np.allclose(np.linalg.norm(encoded.described, axis=1), asked, atol=1e-5)
    asking = encoder.encode_query(texts())
    assert np.allclose(np.linalg.norm(asking, axis=1), asked, atol=1e-5)


def test_rows_do_not_depend_on_the_batch(case):
    _, encoder, items, _ = case
    together = encoder.encode(items).blocks
    for item, row in zip(items, together, strict=True):
        assert np.allclose(encoder.encode([item]).blocks[0], row, atol=1e-5)
    assert np.array_equal(encoder.encode(items).blocks, together)
    assert encoder.encode([]).blocks.shape == encoder.encode_query([]).shape == (0, 768)
    asked = encoder.encode_query(texts())
    assert np.allclose(encoder.encode_query([texts()[2]])[0], asked[2], atol=1e-5)


def test_the_fingerprint_is_of_the_content(case, tmp_path):
    folder, encoder, _, _ = case
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder, moved)
    (moved / "README.md").write_text("a note")
    same = load_encoders([f"hf={moved}"], device="cpu")[encoder.modality]
    assert same.fingerprint == encoder.fingerprint
    weights = next(moved.glob("*.safetensors"))
    raw = bytearray(weights.read_bytes())
    raw[-1] ^= 1
    weights.write_bytes(bytes(raw))
    other = load_encoders([f"hf={moved}"], device="cpu")[encoder.modality]
    assert other.fingerprint != encoder.fingerprint


@pytest.mark.parametrize("kind", ["siglip", "clip"])
def test_pictures_and_words_meet_as_in_the_model_itself(kind, tmp_path):
    torch.manual_seed(1)
    KINDS[kind][0](tmp_path)
    encoder = load_encoders([f"hf={tmp_path}"], device="cpu")["visual"]
    ours = encoder.encode_query(texts()) @ encoder.encode(pictures()).described.T
    model = transformers.AutoModel.from_pretrained(tmp_path).eval()
    seen = transformers.AutoImageProcessor.from_pretrained(tmp_path, backend="pil")(
        pictures(), return_tensors="pt"
    )
    padding = {"siglip": {"padding": "max_length"}, "clip": {"padding": True}}[kind]
    read = transformers.AutoTokenizer.from_pretrained(tmp_path)(
        texts(), max_length=12, truncation=True, return_tensors="pt", **padding
    )
    with torch.inference_mode():
        out = model(**read, **seen)
    theirs = unit_rows(out.text_embeds.numpy()) @ unit_rows(out.image_embeds.numpy()).T
    # CLIP's 1024 features are projected to 768, which keeps cosines only nearly.
    assert np.allclose(ours, theirs, atol=0.1 if kind == "clip" else 1e-5)


@pytest.mark.parametrize(
    ("pooling", "place"), [("cls_token", 0), ("lasttoken", -1), ("mean_tokens", slice(None))]
)
def test_the_pooling_that_stands_beside_the_model(pooling, place, tmp_path):
    bert(tmp_path, pooling)
    encoder = load_encoders([f"hf={tmp_path}"], device="cpu")["text"]
    ours = encoder.encode(["a cat", "the red moon dog"]).blocks[0, :16]
    model = transformers.AutoModel.from_pretrained(tmp_path).eval()
    with torch.inference_mode():
        ids = torch.tensor([[WORDS.index("a"), WORDS.index("cat")]])
        hidden = model(ids).last_hidden_state[0].numpy()
    wanted = np.atleast_2d(hidden[place]).mean(axis=0)
    assert np.allclose(ours, wanted / np.linalg.norm(wanted), atol=1e-5)


def test_it_takes_the_place_of_one_default(tmp_path):
    siglip(tmp_path)
    encoders = load_encoders([f"hf={tmp_path}"], device="cpu")
    names = [encoders[m].name for m in ("visual", "audio", "text")]
    assert names == [f"hf={tmp_path.name}", "yamnet", "minilm-l6"]
    with pytest.raises(InvalidInput, match="two encoders for visual"):
        load_encoders([f"hf={tmp_path}", "efficientnet-lite0"], device="cpu")


def test_models_that_cannot_be_used(tmp_path):
    def refused(model, match):
        with pytest.raises(InvalidInput, match=match) as error:
            load_encoders([f"hf={model}"], device="cpu")
        assert "\n" not in str(error.value)

    refused(tmp_path / "nope", "is not a folder")
    refused("nobody/nothing", "cannot be used")
    refused(tmp_path, "cannot be used")
    bert(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    refused(tmp_path, r"holds no \.safetensors")
    t5 = transformers.T5Config(d_model=16, d_ff=16, num_layers=1, num_heads=2, vocab_size=10)
    transformers.T5Model(t5).save_pretrained(tmp_path)
    refused(tmp_path, "type t5 cannot be used")


def test_parts_that_are_not_understood(tmp_path):
    bert(tmp_path)
    modules = [{"type": f"sentence_transformers.models.{k}"} for k in ("Transformer", "Dense")]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(InvalidInput, match="Dense is not known"):
        load_encoders([f"hf={tmp_path}"], device="cpu")
    (tmp_path / "modules.json").unlink()
    bert(tmp_path, "max_tokens")
    with pytest.raises(InvalidInput, match="pooling"):
        load_encoders([f"hf={tmp_path}"], device="cpu")
