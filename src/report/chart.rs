//! Charts as SVG.
//!
//! The trend is drawn with plotters. Its colours are stand-ins (`INK`, `GRID`, `SERIES`): the style sheet of the
//! page selects them by value and puts in those of the reader's theme. The heat map is written here, a `<rect>` a run of
//! equal cells: plotters would draw each cell by itself, twenty times the bytes.

use std::fmt::Write;

use plotters::prelude::*;

use super::moment;
use super::nightly::{Day, Heat};

/// Stands for the colour of text.
const INK: RGBColor = RGBColor(1, 1, 1);
/// Stands for the colour of fine lines.
const GRID: RGBColor = RGBColor(2, 2, 2);
/// Stand for flakes, regressions, outages.
const SERIES: [RGBColor; 3] = [RGBColor(3, 3, 3), RGBColor(4, 4, 4), RGBColor(5, 5, 5)];

/// Bars of failures a day: flakes, on them regressions, on them outages. `None` where there is nothing to draw.
pub fn trend(days: &[Day]) -> Option<String> {
    let highest = days
        .iter()
        .map(|day| day.flakes + day.regressions + day.outages)
        .fold(0.0, f64::max);
    if days.len() < 2 || highest <= 0.0 {
        return None;
    }
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (880, 240)).into_drawing_area();
        let columns = days.len();
        let mut chart = ChartBuilder::on(&root)
            .margin(4)
            .margin_right(12)
            .x_label_area_size(26)
            .y_label_area_size(46)
            .build_cartesian_2d(-0.5..columns as f64 - 0.5, 0.0..highest * 1.05)
            .ok()?;
        let font = ("sans-serif", 13).into_font().color(&INK);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .label_style(font)
            .x_labels(columns.min(8))
            .y_labels(5)
            .x_label_formatter(&|x| {
                let near = (x - x.round()).abs() < 0.01;
                let day = days.get(x.round().max(0.0) as usize).filter(|_| near);
                day.map(|day| moment::month_day(day.day))
                    .unwrap_or_default()
            })
            .y_label_formatter(&|y| format!("{y:.0}"))
            .draw()
            .ok()?;
        for (at, day) in days.iter().enumerate() {
            let mut from = 0.0;
            for (value, color) in [day.flakes, day.regressions, day.outages]
                .iter()
                .zip(SERIES)
            {
                if *value > 0.0 {
                    let middle = at as f64;
                    let bar = Rectangle::new(
                        [(middle - 0.4, from), (middle + 0.4, from + value)],
                        color.filled(),
                    );
                    chart.draw_series([bar]).ok()?;
                    from += value;
                }
            }
        }
        root.present().ok()?;
    }
    // it scales to its column, and the figure around it carries the words
    let old = "<svg width=\"880\" height=\"240\"";
    svg.contains(old).then(|| {
        let new = "<svg class=\"trend\" aria-hidden=\"true\" focusable=\"false\"";
        // within HTML the namespace is known
        svg.replace(old, new)
            .replace(" xmlns=\"http://www.w3.org/2000/svg\"", "")
    })
}

/// Side of a cell, with the gap.
const CELL: usize = 14;

/// One row of the heat map, as wide as all its columns. Cells are classes `h0` (passed) to `h5` (always failed);
/// where the test did not run there is none.
pub fn heat_row(shares: &[Option<f32>]) -> String {
    let width = shares.len() * CELL;
    let mut svg = format!(
        "<svg class=\"heat\" viewBox=\"0 0 {width} {CELL}\" preserveAspectRatio=\"none\" aria-hidden=\"true\" focusable=\"false\">"
    );
    let class = |share: &Option<f32>| share.map(heat_class);
    let mut from = 0;
    while from < shares.len() {
        let this = class(&shares[from]);
        let to = (from..shares.len())
            .find(|at| class(&shares[*at]) != this)
            .unwrap_or(shares.len());
        if let Some(this) = this {
            let _ = write!(
                svg,
                "<rect class=\"h{this}\" x=\"{}\" width=\"{}\" height=\"{CELL}\"/>",
                from * CELL,
                (to - from) * CELL
            );
        }
        from = to;
    }
    svg.push_str("</svg>");
    svg
}

/// In how many steps of a fifth a share of failures lies; 0 for none at all.
fn heat_class(share: f32) -> u8 {
    if share <= 0.0 {
        0
    } else {
        (share * 5.0).ceil().clamp(1.0, 5.0) as u8
    }
}

/// One row of the heat map in words.
pub fn heat_words(heat: &Heat, shares: &[Option<f32>]) -> String {
    let ran = shares.iter().flatten().count();
    let bad = shares
        .iter()
        .flatten()
        .filter(|share| **share > 0.0)
        .count();
    let last = shares
        .iter()
        .zip(&heat.columns)
        .rfind(|(share, _)| share.is_some_and(|share| share > 0.0));
    match last {
        None => format!("passed in all {ran} columns"),
        Some((_, (start, _))) => {
            format!(
                "failed in {bad} of {ran} columns, last in that of {}",
                moment::day(*start)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::nightly::testing;
    use super::*;

    #[test]
    fn equal_neighbours_are_one_rect() {
        let svg = heat_row(&[Some(0.0), Some(0.0), None, Some(0.1), Some(1.0)]);
        assert_eq!(svg.matches("<rect").count(), 3, "{svg}");
        assert!(svg.contains("class=\"h0\" x=\"0\" width=\"28\""), "{svg}");
    }

    #[test]
    fn any_failure_is_seen() {
        assert_eq!(
            [0.0, 0.001, 0.2, 0.21, 1.0].map(heat_class),
            [0, 1, 1, 2, 5]
        );
    }

    #[test]
    fn the_trend_has_stand_ins_for_colours_only() {
        let svg = trend(&testing::nightly().days).unwrap();
        assert!(svg.starts_with("<svg class=\"trend\""), "{svg}");
        assert!(svg.contains("#030303") && svg.contains("#040404"), "{svg}");
        let colours = svg.split("#").skip(1).filter_map(|rest| rest.get(..6));
        for colour in colours {
            assert!(
                ["010101", "020202", "030303", "040404", "050505"].contains(&colour),
                "{colour}"
            );
        }
        assert_eq!(trend(&[]), None);
    }

    #[test]
    fn a_row_is_told_in_words() {
        let heat = testing::nightly().heat;
        assert_eq!(
            heat_words(&heat, &heat.rows[0].1),
            "failed in 2 of 3 columns, last in that of 2024-11-02"
        );
    }
}
