//! Pages in Prometheus' text form, put together: what a process used that has ended stays at what was told of it last.

use std::collections::HashMap;

/// A metric with all its samples.
#[derive(Debug, Default)]
struct Family {
    /// Its lines of comment.
    about: Vec<String>,
    /// Labels and values, in the order in which they came.
    samples: Vec<(String, String)>,
}

/// All that was told.
#[derive(Debug, Default)]
pub(super) struct Pages {
    names: Vec<String>,
    families: HashMap<String, Family>,
    /// Labels of the last page.
    live: Vec<String>,
}

impl Pages {
    /// Takes a page.
    pub(super) fn take(&mut self, page: &str) {
        self.live.clear();
        for line in page.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.split(' ');
                if let (Some(_), Some(name)) = (words.next(), words.next()) {
                    let family = self.family(name);
                    if !family.about.iter().any(|known| known == line) {
                        family.about.push(line.to_string());
                    }
                }
                continue;
            }
            let Some((name, rest)) = line.split_once('{') else { continue };
            let Some((labels, value)) = rest.rsplit_once("} ") else { continue };
            self.live.push(labels.to_string());
            let samples = &mut self.family(name).samples;
            match samples.iter_mut().find(|(known, _)| known == labels) {
                Some((_, known)) => *known = value.to_string(),
                None => samples.push((labels.to_string(), value.to_string())),
            }
        }
    }

    fn family(&mut self, name: &str) -> &mut Family {
        if !self.families.contains_key(name) {
            self.names.push(name.to_string());
        }
        self.families.entry(name.to_string()).or_default()
    }

    /// Everything as one page.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for name in &self.names {
            let Some(family) = self.families.get(name) else { continue };
            for line in &family.about {
                text.push_str(line);
                text.push('\n');
            }
            for (labels, value) in &family.samples {
                text.push_str(&format!("{name}{{{labels}}} {value}\n"));
            }
        }
        text
    }

    /// Labels and values of a metric, as far as the last page told of them.
    pub(super) fn live(&self, name: &str) -> impl Iterator<Item = (&str, f64)> {
        let samples = self.families.get(name).map_or(&[][..], |family| &family.samples);
        let is_live = |labels: &str| self.live.iter().any(|live| live == labels);
        samples
            .iter()
            .filter(move |(labels, _)| is_live(labels))
            .map(|(labels, value)| (labels.as_str(), value.parse().unwrap_or(0.0)))
    }
}

/// The value of a label.
pub(super) fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    labels.split(',').find_map(|label| label.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_stays_in_the_text() {
        let mut pages = Pages::default();
        pages.take("# HELP a x\n# TYPE a counter\na{pid=\"1\"} 5\na{pid=\"2\"} 6\n");
        pages.take("# HELP a x\n# TYPE a counter\na{pid=\"2\"} 7\nnonsense\n{}\n");
        assert_eq!(pages.text(), "# HELP a x\n# TYPE a counter\na{pid=\"1\"} 5\na{pid=\"2\"} 7\n");
        assert_eq!(pages.live("a").collect::<Vec<_>>(), [("pid=\"2\"", 7.0)]);
        assert_eq!(label("pid=\"2\",name=\"sh\"", "name"), Some("sh"));
    }
}
