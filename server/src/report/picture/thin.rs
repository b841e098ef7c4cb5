//! Thinning for drawing: of all values that fall into one pixel column the least and the greatest are kept, and a
//! mark wherever something was lost. Figures are never computed from what is left here.

/// What falls into one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Column {
    /// The column's number.
    pub(crate) index: usize,
    /// The least value.
    pub(crate) least: f64,
    /// The greatest value.
    pub(crate) greatest: f64,
}

/// Gives the column, of `columns`, that a place from 0 to 1 falls into.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the columns there are")]
#[expect(clippy::cast_precision_loss, reason = "a picture has some hundred columns")]
pub(crate) fn column(place: f64, columns: usize) -> usize {
    let last = columns.saturating_sub(1);
    ((place.clamp(0.0, 1.0) * columns as f64) as usize).min(last)
}

/// Gathers (place, value) pairs into columns, in the order of columns; empty columns are left out.
pub(crate) fn columns(values: impl IntoIterator<Item = (f64, f64)>, columns: usize) -> Vec<Column> {
    let mut all: Vec<Option<Column>> = vec![None; columns];
    for (place, value) in values {
        let index = column(place, columns);
        let Some(slot) = all.get_mut(index) else { continue };
        let known = slot.get_or_insert(Column { index, least: value, greatest: value });
        known.least = known.least.min(value);
        known.greatest = known.greatest.max(value);
    }
    all.into_iter().flatten().collect()
}

/// Gives the runs of neighbouring columns that hold at least one place: (first, last).
pub(crate) fn runs(places: impl IntoIterator<Item = f64>, columns: usize) -> Vec<(usize, usize)> {
    let mut marked = vec![false; columns];
    for place in places {
        if let Some(slot) = marked.get_mut(column(place, columns)) {
            *slot = true;
        }
    }
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for index in (0..columns).filter(|&index| marked[index]) {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == index => *last = index,
            _ => runs.push((index, index)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_keep_extremes() {
        let thinned = columns([(0.0, 3.0), (0.1, 1.0), (0.24, 2.0), (1.0, 9.0)], 4);
        assert_eq!(
            thinned,
            [Column { index: 0, least: 1.0, greatest: 3.0 }, Column { index: 3, least: 9.0, greatest: 9.0 }]
        );
    }

    #[test]
    fn neighbours_become_one_run() {
        assert_eq!(runs([0.0, 0.11, 0.12, 0.5, 1.0], 10), [(0, 1), (5, 5), (9, 9)]);
        assert_eq!(runs([], 10), []);
        assert_eq!(runs([0.5], 0), []);
    }

    proptest! {
        #[test]
        fn no_extreme_and_no_loss_is_dropped(
            values in prop::collection::vec((0.0_f64..=1.0, 0.0_f64..1e4), 1..500),
            width in 1_usize..100,
        ) {
            let thinned = columns(values.iter().copied(), width);
            let least = thinned.iter().map(|c| c.least).fold(f64::INFINITY, f64::min);
            let greatest = thinned.iter().map(|c| c.greatest).fold(0.0, f64::max);
            prop_assert_eq!(least.to_bits(), values.iter().map(|v| v.1).fold(f64::INFINITY, f64::min).to_bits());
            prop_assert_eq!(greatest.to_bits(), values.iter().map(|v| v.1).fold(0.0, f64::max).to_bits());
            prop_assert!(thinned.len() <= width);
            let marked = runs(values.iter().map(|v| v.0), width);
            for (place, _) in &values {
                let at = column(*place, width);
                prop_assert!(marked.iter().any(|(first, last)| (*first..=*last).contains(&at)));
            }
        }
    }
}
