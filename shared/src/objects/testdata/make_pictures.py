"""Writes small pictures and documents as Pillow, pillow-heif, pikepdf (QPDF) and LibreOffice do: `python make_pictures.py`, in this folder."""

import pathlib
import subprocess

import pikepdf
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()
picture = Image.linear_gradient("L").resize((48, 32))
colours = Image.merge("RGB", [picture, picture.rotate(180), picture])
colours.save("progressive.jpg", quality=60, progressive=True)
picture.save("grey.jpg", quality=40)
colours.quantize(8).save("indexed.png")
colours.save("lossy.webp", quality=30)
Image.merge("RGBA", [*colours.split(), picture]).save("lossless_alpha.webp", lossless=True)
colours.save("moving.webp", save_all=True, append_images=[colours.rotate(180)], duration=100)
colours.save("pillow.heic", quality=30)
colours.save("pillow.pdf")
with pikepdf.open("pillow.pdf") as pdf:
    pdf.save("object_streams.pdf", object_stream_mode=pikepdf.ObjectStreamMode.generate)
    pdf.save("linearized.pdf", linearize=True)
    modern = pikepdf.Encryption(owner="owner", user="", R=6)
    pdf.save("encrypted.pdf", object_stream_mode=pikepdf.ObjectStreamMode.generate, encryption=modern)
pathlib.Path("libreoffice.csv").write_text("A page.\n")
subprocess.run(["soffice", "--headless", "--convert-to", "pdf", "libreoffice.csv"], check=True, capture_output=True)
pathlib.Path("libreoffice.csv").unlink()
