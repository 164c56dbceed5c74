//! Elements and texts of XML 1.0, just enough to write a report: no names come from outside.

use std::fmt;

/// An element. Its text, if it has one, stands before its children.
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), text: String::new(), children: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    pub(super) fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    pub(super) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth);
        write!(f, "{indent}<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(f, " {name}=\"{}\"", escaped(value))?;
        }
        if self.text.is_empty() && self.children.is_empty() {
            return f.write_str("/>\n");
        }
        write!(f, ">{}", escaped(&self.text).replace("&#10;", "\n"))?;
        if !self.children.is_empty() {
            f.write_str("\n")?;
            for child in &self.children {
                child.write(f, depth + 1)?;
            }
            f.write_str(&indent)?;
        }
        writeln!(f, "</{}>", self.name)
    }
}

/// The document whose root this is.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        self.write(f, 0)
    }
}

/// A text as it may stand in an attribute. What XML 1.0 has no way to say is left out, or replaced where something is to be seen of it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // In a text for the sake of `]]>`.
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\u{0}'..='\u{1f}' => {}
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_means_what_it_was_made_of() {
        let text = "a <b> & \"c\" 'd' ]]> \t e\nf\r\ng \u{85}\u{2028}😀";
        let element = Element::new("a").with("b", text).child(Element::new("c").text(text)).child(Element::new("d"));
        let document = element.to_string();
        let document = roxmltree::Document::parse(&document).unwrap();
        assert_eq!(document.root_element().attribute("b"), Some(text));
        assert_eq!(document.root_element().first_element_child().unwrap().text(), Some(text));
    }

    #[test]
    fn what_xml_cannot_say_is_left_out_or_replaced() {
        let every: String = (0..=0x1_0000).filter_map(char::from_u32).collect();
        let document = Element::new("a").with("b", every.clone()).to_string();
        let document = roxmltree::Document::parse(&document).unwrap();
        let kept: String = every.chars().filter(|c| *c >= ' ' || "\t\n\r".contains(*c)).collect();
        let kept = kept.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
        assert_eq!(document.root_element().attribute("b"), Some(kept.as_str()));
    }
}
