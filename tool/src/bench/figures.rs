//! Samples of named figures for each kernel, and the table of minimum, median and ratio.

use std::collections::BTreeMap;

/// Samples by figure and kernel, in the order of first sight.
#[derive(Default)]
pub(crate) struct Figures {
    order: Vec<String>,
    samples: BTreeMap<(String, usize), Vec<f64>>,
}

impl Figures {
    /// Adds a sample of `figure` for kernel number `kernel`.
    pub(crate) fn add(&mut self, figure: &str, kernel: usize, value: f64) {
        if !self.order.iter().any(|known| known == figure) {
            self.order.push(figure.to_string());
        }
        self.samples.entry((figure.to_string(), kernel)).or_default().push(value);
    }

    /// Minimum, median and number of samples.
    fn summary(&self, figure: &str, kernel: usize) -> Option<(f64, f64, usize)> {
        let mut sorted = self.samples.get(&(figure.to_string(), kernel))?.clone();
        sorted.sort_by(f64::total_cmp);
        let median = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0;
        Some((sorted[0], median, sorted.len()))
    }

    /// The table: a row a figure, "minimum median" of each kernel, and for each after the first the ratio first/other of the
    /// medians.
    pub(crate) fn table(&self, kernels: &[&str]) -> String {
        let mut rows = vec![header(kernels)];
        for figure in &self.order {
            let mut row = vec![figure.clone()];
            let ours = self.summary(figure, 0);
            for kernel in 0..kernels.len() {
                match self.summary(figure, kernel) {
                    Some((least, median, _)) => row.extend([number(least), number(median)]),
                    None => row.extend(["-".into(), "-".into()]),
                }
            }
            for kernel in 1..kernels.len() {
                row.push(match (ours, self.summary(figure, kernel)) {
                    (Some((_, ours, _)), Some((_, other, _))) if other > 0.0 => format!("{:.3}", ours / other),
                    _ => "-".into(),
                });
            }
            rows.push(row);
        }
        let mut text = align(&rows);
        for (kernel, name) in kernels.iter().enumerate().skip(1) {
            for unit in ["instructions", "ns"] {
                if let Some((mean, count)) = self.geometric_mean(kernel, unit) {
                    text.push_str(&format!(
                        "geometric mean of {}/{name} over {count} figures in {unit}: {mean:.3}\n",
                        kernels[0]
                    ));
                }
            }
        }
        text
    }

    /// The geometric mean of first/other over the medians of the figures in `unit`, and how many those are.
    fn geometric_mean(&self, kernel: usize, unit: &str) -> Option<(f64, usize)> {
        let ratios: Vec<f64> = self
            .order
            .iter()
            .filter(|figure| figure.ends_with(&format!(", {unit}")))
            .filter_map(|figure| Some((self.summary(figure, 0)?.1, self.summary(figure, kernel)?.1)))
            .filter(|(ours, other)| *ours > 0.0 && *other > 0.0)
            .map(|(ours, other)| (ours / other).ln())
            .collect();
        (ratios.len() > 1).then(|| ((ratios.iter().sum::<f64>() / ratios.len() as f64).exp(), ratios.len()))
    }

    /// One JSON object a line: figure, kernel, samples.
    pub(crate) fn json(&self, kernels: &[&str]) -> String {
        let mut text = String::new();
        for ((figure, kernel), samples) in &self.samples {
            let samples: Vec<String> = samples.iter().map(f64::to_string).collect();
            let kernel = kernels[*kernel];
            let list = samples.join(",");
            text.push_str(&format!("{{\"figure\":\"{figure}\",\"kernel\":\"{kernel}\",\"samples\":[{list}]}}\n"));
        }
        text
    }
}

fn header(kernels: &[&str]) -> Vec<String> {
    let mut row = vec!["figure".to_string()];
    for kernel in kernels {
        row.extend([format!("{kernel} min"), "median".to_string()]);
    }
    row.extend(kernels.iter().skip(1).map(|other| format!("{}/{other}", kernels[0])));
    row
}

fn number(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}

fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[column] - cell.len());
            if column == 0 {
                text.push_str(&format!("{cell}{pad}"));
            } else {
                text.push_str(&format!("  {pad}{cell}"));
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        let mut figures = Figures::default();
        for value in [3.0, 1.0, 2.0] {
            figures.add("a", 0, value);
            figures.add("a", 1, value * 4.0);
        }
        figures.add("b", 1, 5.0);
        let table = figures.table(&["ochre", "linux"]);
        let row =
            table.lines().find(|line| line.starts_with('a')).map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(row, Some(vec!["a", "1.000", "2.000", "4.000", "8.000", "0.250"]));
        assert!(table.lines().any(|line| line.starts_with('b') && line.trim_end().ends_with('-')));
        assert!(figures.json(&["ochre", "linux"]).contains("{\"figure\":\"b\",\"kernel\":\"linux\",\"samples\":[5]}"));
    }
}
