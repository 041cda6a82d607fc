//! The smallest files of each format, for tests.

/// A JPEG of at least `size` bytes: every kind of mark, but nothing to see.
pub(crate) fn jpeg(size: usize) -> Vec<u8> {
    let mut file = jpeg_with_segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let end = file.split_off(file.len() - 2);
    // Picture data, with an escaped FF and a restart mark now and then.
    while file.len() + end.len() < size {
        file.extend_from_slice(&[0x5A; 120]);
        file.extend_from_slice(&[0xFF, 0x00, 0x11, 0xFF, 0xD3]);
    }
    file.truncate(size.saturating_sub(2).max(52));
    if file.ends_with(&[0xFF]) {
        file.pop();
        file.push(0x5A);
    }
    file.extend_from_slice(&end);
    file
}

/// A JPEG whose first segment has this mark and content.
pub(crate) fn jpeg_with_segment(mark: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap_or(u16::MAX).to_be_bytes();
    // Eight by eight, of one colour.
    let frame = [0xFF, 0xC0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
    let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x12, 0x34, 0x56, 0xFF, 0x00, 0x78];
    [&[0xFF, 0xD8, 0xFF, mark], &length[..], content, &frame, &scan, &[0xFF, 0xD9]].concat()
}

/// A PNG with its three obligatory chunks; the checksums are not those of the content.
pub(crate) fn png() -> Vec<u8> {
    let chunk = |name: &[u8], content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
        [&length[..], name, content, &[0xCC; 4]].concat()
    };
    let header = [0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0, 0, 0];
    let data = [&[0x78, 0x9C][..], &[7; 48]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &header), &chunk(b"IDAT", &data), &chunk(b"IEND", b"")].concat()
}

/// A WebP container with a picture.
pub(crate) fn webp() -> Vec<u8> {
    [&b"RIFF"[..], &24u32.to_le_bytes(), b"WEBPVP8L", &12u32.to_le_bytes(), &[0x2F; 12]].concat()
}

/// A HEIC's boxes: what is told of the picture, and its data.
pub(crate) fn heic() -> Vec<u8> {
    let a_box = |name: &[u8], content: &[u8]| {
        let size = u32::try_from(content.len() + 8).unwrap_or(u32::MAX).to_be_bytes();
        [&size[..], name, content].concat()
    };
    let size = a_box(b"ispe", &[0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 8]);
    let properties = a_box(b"iprp", &a_box(b"ipco", &size));
    let told = a_box(b"meta", &[&[0; 4][..], &a_box(b"iloc", &[0; 8]), &properties].concat());
    let [file_type, data] =
        [&boxes(b"heic\0\0\0\0mif1heic", &[3; 24])[..24], &boxes(&[0; 16], &[3; 24])[24..]].map(<[u8]>::to_vec);
    [file_type, told, data].concat()
}

/// An MP4's boxes.
pub(crate) fn mp4() -> Vec<u8> {
    mp4_of(64)
}

/// An MP4 of `size` bytes, at least 40, of which no two MiB are the same.
pub(crate) fn mp4_of(size: usize) -> Vec<u8> {
    let content = (0..size - 40).map(|at| (at >> 20) as u8);
    boxes(b"isom\0\0\0\0isommp42", &content.collect::<Vec<_>>())
}

/// The beginning of a WebM.
pub(crate) fn webm() -> Vec<u8> {
    [
        &b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"[..],
        &[5; 400],
    ]
    .concat()
}

fn boxes(file_type: &[u8; 16], content: &[u8]) -> Vec<u8> {
    // The last box gives its size in eight bytes.
    let size = (content.len() as u64 + 16).to_be_bytes();
    [&24u32.to_be_bytes()[..], b"ftyp", file_type, &1u32.to_be_bytes(), b"mdat", &size, content].concat()
}

/// A PDF of one empty page.
pub(crate) fn pdf() -> Vec<u8> {
    b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
      3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>\nendobj\nxref\n0 1\n0000000000 65535 f \ntrailer\n\
      << /Size 4 /Root 1 0 R >>\nstartxref\n182\n%%EOF\n"
        .to_vec()
}
