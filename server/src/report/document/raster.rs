//! Renders the page's pictures as PNG, with a font that the program brings along: it may run where there is none.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Source};
use resvg::usvg::{Options, Tree};

use super::DocumentError;

/// Pixels a unit: a picture of 720 units fills 17 cm at 215 dots an inch.
const SCALE: f32 = 2.0;

/// A rendered picture.
pub(super) struct Raster {
    /// The file.
    pub(super) png: Vec<u8>,
    /// Its width in pixels.
    pub(super) width: u32,
    /// Its height.
    pub(super) height: u32,
}

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_source(Source::Binary(Arc::new(notosans::REGULAR_TTF)));
    fonts.set_sans_serif_family("Noto Sans");
    Arc::new(fonts)
});

/// Renders a picture on white ground.
pub(super) fn render(svg: &str) -> Result<Raster, DocumentError> {
    let options = Options { fontdb: FONTS.clone(), font_family: "Noto Sans".into(), ..Options::default() };
    let tree = Tree::from_str(svg, &options)?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or(DocumentError::Drawing)?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or(DocumentError::Drawing)?;
    pixels.fill(resvg::tiny_skia::Color::WHITE);
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    let png = pixels.encode_png().map_err(|_| DocumentError::Drawing)?;
    Ok(Raster { png, width: size.width(), height: size.height() })
}
