"""Ways to damage a file: of its bytes, whatever it is, and of what its format says."""

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
import zlib

import h5py
import numpy as np
import tifffile
import yaml

from dcrdf.files.images import read_xyz

NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF)
VALUES = (None, True, -1, 0, 0.5, 1e308, -1e-308, 10**30, 10**400, float("nan"), float("inf"), "",
          "a", "x" * 5000, "../../x", "a\nb", "\ud800", [], [[]], {}, {"a": {}},
          [1, "a", None])  # fmt: skip


# Bytes -------------------------------------------------------------------------------------------


def truncate(data, rng):
    return data[: rng.integers(0, len(data))]


def flip_bits(data, rng):
    changed = bytearray(data)
    for _ in range(rng.integers(1, 8)):
        changed[rng.integers(0, len(data))] ^= 1 << int(rng.integers(0, 8))
    return bytes(changed)


def flip_bits_of_the_head(data, rng):
    head = min(len(data), 400)
    return flip_bits(data[:head], rng) + data[head:]


def overwrite_number(data, rng):
    """Sizes and offsets are numbers of two, four or eight bytes, mostly near the start."""
    size = int(rng.choice([2, 4, 8]))
    within = len(data) if rng.random() < 0.3 else min(len(data), 2000)
    at = int(rng.integers(0, max(1, within - size)))
    number = int(rng.choice(NUMBERS)) & (256**size - 1)
    order = "little" if rng.random() < 0.5 else "big"
    return data[:at] + number.to_bytes(size, order) + data[at + size :]


def swap_blocks(data, rng):
    a, b, c, d = sorted(rng.integers(0, len(data) + 1, 4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def cut_out(data, rng):
    a, b = sorted(rng.integers(0, len(data) + 1, 2))
    return data[:a] + data[b:]


def repeat_block(data, rng):
    a, b = sorted(rng.integers(0, len(data) + 1, 2))
    return data[:b] + data[a : min(b, a + 100_000)] + data[b:]


def zero_range(data, rng):
    a = int(rng.integers(0, len(data)))
    b = min(len(data), a + int(rng.integers(1, 2000)))
    return data[:a] + bytes(b - a) + data[b:]


def append_noise(data, rng):
    return data + rng.bytes(int(rng.integers(1, 500)))


def noise(data, rng):
    return rng.bytes(int(rng.integers(0, 3000)))


BYTES = (truncate, flip_bits, flip_bits_of_the_head, overwrite_number, swap_blocks, cut_out,
         repeat_block, zero_range, append_noise, noise)  # fmt: skip


def damage_bytes(path, rng):
    how = BYTES[rng.integers(0, len(BYTES))]
    data = path.read_bytes()
    path.write_bytes(how(data, rng))
    return how.__name__


# Images ------------------------------------------------------------------------------------------


def declare_other_png(path, rng):
    """Another size, depth or colour type in the header, with a right checksum."""
    data = bytearray(path.read_bytes())
    width, height = (int(rng.choice([0, 1, 63, 64, 65, 60_000, 2**31 - 1, 2**32 - 1]))
                     for _ in range(2))  # fmt: skip
    depth, colour = int(rng.choice([1, 8, 16, 99])), int(rng.choice([0, 2, 3, 4, 6, 77]))
    if rng.random() < 0.5:
        data[16:24] = struct.pack(">II", width, height)
    else:
        data[24:26] = bytes([depth, colour])
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(bytes(data))
    return "declares another size or colour"


def other_png(path, rng):
    """A sound PNG of another kind."""
    import imagecodecs

    channels = int(rng.choice([1, 2, 3, 4]))
    size = [int(rng.choice([1, 32, 64])) for _ in range(2)]
    dtype = [np.uint8, np.uint16][rng.integers(0, 2)]
    pixels = rng.integers(0, 256, (*size, channels)).astype(dtype)
    path.write_bytes(imagecodecs.png_encode(pixels[..., 0] if channels == 1 else pixels))
    return f"PNG of {pixels.dtype} {pixels.shape}"


def other_tiff(path, rng):
    """A sound TIFF of other values, types, channels or pages."""
    xyz = read_xyz(path)
    kind = rng.integers(0, 8)
    if kind == 0:
        xyz[rng.random(xyz.shape) < rng.random()] = rng.choice([np.nan, np.inf, -np.inf, 0])
    elif kind == 1:
        xyz *= np.float32(rng.choice([0, 1e-6, 1e3, 1e30, -1]))
    elif kind == 2:
        types = [np.uint8, np.int32, np.float16, np.float64, np.complex64, np.bool_]
        xyz = xyz.astype(types[rng.integers(0, len(types))])
    elif kind == 3:
        xyz = np.repeat(xyz[..., :1], int(rng.choice([1, 2, 4, 5, 50])), axis=2)
    elif kind == 4:
        xyz = xyz[: int(rng.choice([1, 20])), : int(rng.choice([1, 64]))]
    elif kind == 5:
        xyz = np.stack([xyz] * 3)
    elif kind == 6:
        xyz = xyz[..., 0]
    else:
        xyz = np.full_like(xyz, rng.choice([1e38, np.nan, 1e-40]))
    with np.errstate(all="ignore"):
        tifffile.imwrite(path, np.ascontiguousarray(xyz))
    return f"TIFF of {xyz.dtype} {xyz.shape}"


def declare_other_tiff(path, rng):
    """A number of the first page's table is another."""
    names = ("ImageWidth", "ImageLength", "BitsPerSample", "SamplesPerPixel", "RowsPerStrip",
             "StripOffsets", "StripByteCounts", "Compression", "Predictor",
             "PhotometricInterpretation", "PlanarConfiguration", "SampleFormat")  # fmt: skip
    with tifffile.TiffFile(path, mode="r+b") as file:
        tags = file.pages[0].tags
        name = str(rng.choice([name for name in names if name in tags]))
        value = int(rng.choice([0, 1, 2, 3, 64, 65_535]))
        tag = tags[name]
        tag.overwrite(tuple([value] * tag.count) if tag.count > 1 else value)
    return f"TIFF says {name} = {value}"


# Texts -------------------------------------------------------------------------------------------


def places(value, path=()):
    """Paths to all members of nested mappings and lists."""
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in members:
        yield (*path, key)
        if isinstance(inner, (dict, list)) and inner:
            yield from places(inner, (*path, key))


def change_member(values, rng):
    """One member anywhere removed, replaced, or joined by an unknown one."""
    found = list(places(values))
    *path, last = found[rng.integers(0, len(found))]
    owner = values
    for key in path:
        owner = owner[key]
    kind = rng.integers(0, 5)
    if kind == 0:
        del owner[last]
        return f"without {path} {last}"
    if kind == 1 and isinstance(owner, dict):
        owner["unknown"] = 1
        return f"unknown key in {path}"
    value = VALUES[rng.integers(0, len(VALUES))]
    owner[last] = value
    return f"{path} {last} = {str(value)[:20]!r}"


def change_json(path, rng):
    values = json.loads(path.read_text())
    said = change_member(values, rng)
    path.write_text(json.dumps(values))
    return said


BOMB = "\n".join(
    [f"a0: &a0 [{', '.join('x' * 9)}]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    + ["runs: *a8"]
)
"""Nine levels of nine references each: 400 million entries for who copies them."""
TEXTS = ("[" * 100_000, '{"a":' * 50_000, "", "null", "[]", "1e400", '"a"', "\x00", "{}",
         "\t- a: b", '{"format": 1e999}', "&a [*a]", BOMB,
         "!!python/object/apply:os.system ['touch executed']",
         "dataset: !!python/object/new:os.system ['touch executed']",
         "runs: !unknown {}")  # fmt: skip


def other_text(path, rng):
    text = TEXTS[rng.integers(0, len(TEXTS))]
    path.write_text(text)
    return f"text {text[:20]!r}"


def change_yaml(path, rng):
    values = yaml.safe_load(path.read_text())
    said = change_member(values, rng)
    path.write_text(json.dumps(values) if rng.random() < 0.5 else yaml.dump(values))
    return said


# HDF5 --------------------------------------------------------------------------------------------


def members(file):
    found = []
    file.visititems(
        lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None
    )
    return sorted(found)


def change_hdf5(path, rng):
    """One member or attribute is another: type, shape, values, a link to elsewhere, nothing."""
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        if rng.random() < 0.3:
            return change_attribute(file, rng)
        names = members(file)
        name = names[rng.integers(0, len(names))]
        values = file[name][()]
        ways = [drop, retype, reshape, poison, link, outside, virtual, declare]
        way = ways[rng.integers(0, len(ways))]
        attributes = {"chunks": (1, *values.shape[1:])} if values.ndim > 1 else {}
        way(file, name, values, attributes, rng)
    return f"{way.__name__} {name}"


def change_attribute(file, rng):
    names = sorted(file.attrs)
    name = names[rng.integers(0, len(names))]
    text = file.attrs[name]
    text = text.decode() if isinstance(text, bytes) else str(text)
    kind = rng.integers(0, 4)
    if kind == 0:
        del file.attrs[name]
        return f"without attribute {name}"
    if kind == 1:
        file.attrs[name] = rng.random(3)
        return f"numbers in attribute {name}"
    said = "garbled"
    if kind == 2 and text[:1] in "[{" and json.loads(text):
        values = json.loads(text)
        said, text = change_member(values, rng), ""
        text = json.dumps(values)
    else:
        text = TEXTS[rng.integers(1, len(TEXTS))][:60_000].replace("\x00", "0")
    file.attrs[name] = np.bytes_(text.encode("utf-8", "surrogatepass"))
    return f"attribute {name}: {said}"


def drop(file, name, values, attributes, rng):
    del file[name]


def retype(file, name, values, attributes, rng):
    del file[name]
    if values.dtype.kind in "SO":
        file.create_dataset(name, data=np.arange(len(values)))
        return
    types = [np.float64, np.int16, np.uint8, np.complex64, np.float16]
    with np.errstate(all="ignore"):
        file.create_dataset(
            name, data=values.astype(types[rng.integers(0, len(types))]), **attributes
        )


def reshape(file, name, values, attributes, rng):
    del file[name]
    changed = [values[:-1], values[..., :1], values[None], np.zeros(0, np.uint8),
               np.concatenate([values, values])][rng.integers(0, 5)]  # fmt: skip
    file.create_dataset(name, data=changed)


def poison(file, name, values, attributes, rng):
    if values.dtype.kind != "f":
        return
    bad = rng.choice([np.nan, np.inf, -np.inf, 6e4])
    values[rng.random(values.shape) < rng.choice([0.001, 1.0])] = bad
    file[name][...] = values


def link(file, name, values, attributes, rng):
    del file[name]
    file[name] = (
        h5py.SoftLink("/test") if rng.random() < 0.5 else h5py.ExternalLink("other.h5", "/x")
    )


def outside(file, name, values, attributes, rng):
    del file[name]
    if values.dtype.kind == "O" or not values.size:
        return
    file.create_dataset(
        name, values.shape, values.dtype, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
    )


def virtual(file, name, values, attributes, rng):
    del file[name]
    if values.dtype.kind == "O" or not values.shape:
        return
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource("/etc/other.h5", "x", values.shape)
    file.create_virtual_dataset(name, layout)


def declare(file, name, values, attributes, rng):
    """As much as terabytes, of which nothing is stored."""
    del file[name]
    if values.dtype.kind == "O" or not values.ndim:
        return
    shape = (int(rng.choice([2**20, 2**40])), *values.shape[1:])
    file.create_dataset(name, shape, values.dtype, chunks=(1, *values.shape[1:]))


# Weights -----------------------------------------------------------------------------------------


def change_safetensors(path, rng):
    """The header says other types, shapes or places, or a tensor holds NaN."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    names = sorted(set(header) - {"__metadata__"})
    name = names[rng.integers(0, len(names))]
    start, end = header[name]["data_offsets"]
    kind = rng.integers(0, 6)
    if kind == 0:
        header[name]["dtype"] = str(rng.choice(["F64", "F16", "I8", "BOOL", "Q9"]))
    elif kind == 1:
        header[name]["shape"] = [2**40]
    elif kind == 2:
        header[name]["data_offsets"] = [start, 2**50]
    elif kind == 3:
        del header[name]
    elif kind == 4:
        header["network.other"] = header.pop(name)
    elif header[name]["dtype"] == "F32":
        body[start:end] = np.full(
            (end - start) // 4, rng.choice([np.nan, 3e38]), np.float32
        ).tobytes()
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + bytes(body))
    return f"{name}: way {kind}"


class Malicious:
    """Unpickling this runs a command."""

    def __reduce__(self):
        return os.system, ("touch executed",)


def other_pickle(path, rng):
    """What a pickle may hold instead of tensors."""
    import torch

    state = torch.load(path, weights_only=True)
    name = sorted(state)[rng.integers(0, len(state))]
    kind = rng.integers(0, 8)
    if kind == 0:
        path.write_bytes(pickle.dumps(Malicious()))
        return "malicious pickle"
    if kind == 1:
        torch.save({"a": Malicious()}, path)
        return "malicious weights"
    if kind == 2:
        state = [state[name]]
    elif kind == 3:
        state[name] = "text"
    elif kind == 4:
        state[name] = state[name].flatten()[:1]
    elif kind == 5:
        state = {"state_dict": state}
    elif kind == 6:
        state[name] = state[name] * float("nan")
    else:
        state = {3: 4} | state
    torch.save(state, path)
    return f"pickle of another form {kind} {name}"


# Archives ----------------------------------------------------------------------------------------


def other_archive(path, rng):
    """Names that lead out, links, devices, endless zeros, many members."""
    kind = rng.integers(0, 6)
    name = str(rng.choice(["../executed", "/tmp/executed", "a/../../executed", "a\\..\\b", "ok"]))
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if kind == 0 else 0o100644) << 16
            packed.writestr(info, "/etc/passwd")
            for number in range(300 if kind == 1 else 0):
                packed.writestr(f"{number}", bytes(1_000_000 if number < 150 else 0))
        return f"zip {kind} {name}"
    with tarfile.open(path, "w:gz") as packed:
        info = tarfile.TarInfo(name)
        info.type = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE,
                     tarfile.REGTYPE, tarfile.REGTYPE][kind]  # fmt: skip
        info.linkname = "../executed"
        packed.addfile(info)
        if kind == 5:
            big = tarfile.TarInfo("zeros")
            big.size = 300_000_000
            packed.addfile(big, io.BytesIO(bytes(big.size)))
    return f"tar {kind} {name}"
