//! As much of XML Schema as the schemas of `JUnit` reports are written in. What is not known here is an error: nothing is skipped.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};

const XS: &str = "http://www.w3.org/2001/XMLSchema";

/// Checks documents against the text of a schema: gives what is wrong, each with the element.
pub fn faults(schema: &str, document: &str) -> Vec<String> {
    let schema = Document::parse(schema).unwrap();
    let document = match Document::parse(document) {
        Ok(document) => document,
        Err(error) => return vec![error.to_string()],
    };
    let mut checker = Checker { schema: schema.root_element(), faults: Vec::new() };
    let root = document.root_element();
    match checker.global("element", root.tag_name().name()) {
        Some(declaration) => checker.element(declaration, root),
        None => checker.faults.push(format!("{}: no root of this schema", root.tag_name().name())),
    }
    checker.faults
}

struct Checker<'s> {
    schema: Node<'s, 's>,
    faults: Vec<String>,
}

type Decl<'s> = Node<'s, 's>;

/// The parts of a node that mean something.
fn parts(node: Decl<'_>) -> impl Iterator<Item = Decl<'_>> {
    node.children().filter(|child| child.is_element() && child.tag_name().name() != "annotation")
}

fn part<'s>(node: Decl<'s>, name: &str) -> Option<Decl<'s>> {
    parts(node).find(|child| child.tag_name().name() == name)
}

impl<'s> Checker<'s> {
    fn global(&self, what: &str, name: &str) -> Option<Decl<'s>> {
        let mut all = parts(self.schema).filter(|node| node.has_tag_name((XS, what)));
        all.find(|node| node.attribute("name") == Some(name))
    }

    fn fault(&mut self, node: Node<'_, '_>, what: &str) {
        self.faults.push(format!("{}: {what}", node.tag_name().name()));
    }

    /// Where a declaration is by reference, the one that it means.
    fn meant(&self, declaration: Decl<'s>) -> Decl<'s> {
        match declaration.attribute("ref") {
            Some(name) => self.global("element", name).unwrap(),
            None => declaration,
        }
    }

    fn element(&mut self, declaration: Decl<'s>, node: Node<'_, '_>) {
        let declaration = self.meant(declaration);
        let by_name = declaration.attribute("type");
        let complex = part(declaration, "complexType").or_else(|| self.global("complexType", by_name?));
        if let Some(complex) = complex {
            return self.complex(complex, node);
        }
        let simple = part(declaration, "simpleType");
        if simple.is_none() && by_name.is_none() {
            // Without a type anything may be in it.
            return;
        }
        if node.children().any(|child| child.is_element()) || node.attributes().len() > 0 {
            self.fault(node, "only text may be in it");
        }
        self.value(simple, by_name, node.text().unwrap_or_default(), node);
    }

    fn complex(&mut self, declaration: Decl<'s>, node: Node<'_, '_>) {
        let (mut attributes, mut content, mut text) =
            (Vec::new(), None, declaration.attribute("mixed") == Some("true"));
        self.collect(declaration, &mut attributes, &mut content, &mut text);
        for given in node.attributes() {
            match attributes.iter().find(|attribute| attribute.attribute("name") == Some(given.name())) {
                Some(a) => self.value(part(*a, "simpleType"), a.attribute("type"), given.value(), node),
                None => self.fault(node, &format!("no attribute {}", given.name())),
            }
        }
        for attribute in attributes.iter().filter(|attribute| attribute.attribute("use") == Some("required")) {
            let name = attribute.attribute("name").unwrap();
            if node.attribute(name).is_none() {
                self.fault(node, &format!("the attribute {name} is missing"));
            }
        }
        let is_text = |child: &Node<'_, '_>| child.is_text() && !child.text().unwrap_or_default().trim().is_empty();
        if !text && node.children().any(|child| is_text(&child)) {
            self.fault(node, "no text may be in it");
        }
        self.children(content, node);
    }

    /// What a type has of its own and of those that it extends.
    fn collect(&self, from: Decl<'s>, attributes: &mut Vec<Decl<'s>>, content: &mut Option<Decl<'s>>, text: &mut bool) {
        for node in parts(from) {
            match node.tag_name().name() {
                "attribute" => attributes.push(node),
                "sequence" | "choice" => *content = Some(node),
                "complexContent" => self.collect(node, attributes, content, text),
                "simpleContent" => {
                    *text = true;
                    self.collect(node, attributes, content, text);
                }
                "extension" => {
                    if let Some(base) = self.global("complexType", node.attribute("base").unwrap()) {
                        self.collect(base, attributes, content, text);
                    }
                    self.collect(node, attributes, content, text);
                }
                other => panic!("{other} in a type"),
            }
        }
    }

    fn children(&mut self, content: Option<Decl<'s>>, node: Node<'_, '_>) {
        let children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
        let names: Vec<&str> = children.iter().map(|child| child.tag_name().name()).collect();
        let ends = content.map_or_else(|| BTreeSet::from([0]), |content| self.after(content, &names, 0));
        if !ends.contains(&names.len()) {
            return self.fault(node, &format!("its children are {names:?}"));
        }
        for child in children {
            let name = child.tag_name().name();
            let declared = content.into_iter().flat_map(|content| content.descendants());
            let mut declared = declared.filter(|node| node.has_tag_name((XS, "element")));
            let declaration = declared.find(|node| node.attribute("name").or(node.attribute("ref")) == Some(name));
            self.element(declaration.unwrap(), child);
        }
    }

    /// Where one may be in the list of names after a part of a content model, having been at `from`.
    fn after(&self, particle: Decl<'s>, names: &[&str], from: usize) -> BTreeSet<usize> {
        let count = |name: &str| match particle.attribute(name) {
            Some("unbounded") => usize::MAX,
            Some(number) => number.parse().unwrap(),
            None => 1,
        };
        let (least, most) = (count("minOccurs"), count("maxOccurs"));
        let mut reached = BTreeSet::new();
        let mut at = BTreeSet::from([from]);
        for times in 0.. {
            if times >= least {
                reached.extend(at.iter().copied());
            }
            let next: BTreeSet<usize> = at.iter().flat_map(|at| self.once(particle, names, *at)).collect();
            if times >= most || next.is_empty() || (times >= least && next.is_subset(&reached)) {
                break;
            }
            at = next;
        }
        reached
    }

    fn once(&self, particle: Decl<'s>, names: &[&str], from: usize) -> BTreeSet<usize> {
        match particle.tag_name().name() {
            "element" => {
                let wanted = particle.attribute("name").or(particle.attribute("ref"));
                names.get(from).filter(|name| wanted == Some(**name)).map(|_| from + 1).into_iter().collect()
            }
            "choice" => parts(particle).flat_map(|part| self.after(part, names, from)).collect(),
            "sequence" => parts(particle).fold(BTreeSet::from([from]), |at, part| {
                at.iter().flat_map(|at| self.after(part, names, *at)).collect()
            }),
            other => panic!("{other} in a content model"),
        }
    }

    /// A value of a simple type, which is given here or by its name.
    fn value(&mut self, own: Option<Decl<'s>>, by_name: Option<&str>, value: &str, node: Node<'_, '_>) {
        let named = by_name.and_then(|name| self.global("simpleType", name));
        if let Some(simple) = own.or(named) {
            let restriction = part(simple, "restriction").unwrap();
            self.value(None, restriction.attribute("base"), value, node);
            for facet in parts(restriction) {
                let says = facet.attribute("value").unwrap();
                let valid = match facet.tag_name().name() {
                    "whiteSpace" => true,
                    "minLength" => value.trim().chars().count() >= says.parse().unwrap(),
                    "pattern" => matches(says, value),
                    other => panic!("the facet {other}"),
                };
                if !valid {
                    self.fault(node, &format!("`{value}` is not as {says}"));
                }
            }
            return;
        }
        let valid = match by_name.and_then(|name| name.strip_prefix("xs:")) {
            Some("string" | "token") => true,
            Some("int") => value.parse::<i32>().is_ok(),
            Some("decimal") => value.parse::<f64>().is_ok_and(f64::is_finite) && !value.contains(['e', 'E']),
            Some("dateTime") => value.parse::<jiff::civil::DateTime>().is_ok(),
            other => panic!("the type {other:?}"),
        };
        if !valid {
            self.fault(node, &format!("`{value}` is no {}", by_name.unwrap_or_default()));
        }
    }
}

/// The two patterns that there are.
fn matches(pattern: &str, value: &str) -> bool {
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    match pattern {
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}" => {
            let shape = value.chars().map(|c| if c.is_ascii_digit() { '0' } else { c });
            shape.collect::<String>() == "0000-00-00T00:00:00"
        }
        // Thousands apart and at most three decimals. Narrower than what it says: without commas.
        "(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\\.[0-9]{0,3})?" => {
            let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
            digits(whole) && digits(decimals) && decimals.len() <= 3
        }
        other => panic!("the pattern {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::faults;
    use crate::junit::{ANT, JENKINS};

    const GOOD: &str = r#"<testsuites><testsuite name="a" id="0" package="b" timestamp="2026-11-21T19:00:00"
        hostname="localhost" tests="2" failures="1" errors="0" skipped="1" time="0"><properties/>
        <testcase name="c" classname="a.d" time="0"><failure type="e" message="f">g</failure></testcase>
        <testcase name="h" classname="a.d" time="0"><skipped message="i"/></testcase>
        <system-out>j</system-out><system-err/></testsuite></testsuites>"#;

    #[test]
    fn a_report_of_both_schemas_has_no_fault() {
        assert_eq!(faults(ANT, GOOD), Vec::<String>::new());
        assert_eq!(faults(JENKINS, GOOD), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_as_the_schema_says_is_found() {
        let both = [
            ("<testsuites>", "<testsuites surplus='1'>", "testsuites: no attribute surplus"),
            ("tests=\"2\"", "", "testsuite: the attribute tests is missing"),
            ("<properties/>", "<other/>", "testsuite: its children are"),
            ("<properties/>", "text", "testsuite: no text may be in it"),
            ("<skipped message=\"i\"/>", "<skipped/><surplus/>", "testcase: its children are"),
            ("g</failure>", "<b/></failure>", "failure: its children are"),
            ("</testsuites>", "", "root node was opened but never closed"),
            ("<testsuites>", "<suites/>", "parse"),
        ];
        let ant = [
            ("id=\"0\"", "", "testsuite: the attribute id is missing"),
            ("tests=\"2\"", "tests=\"two\"", "testsuite: `two` is no xs:int"),
            ("time=\"0\">", "time=\"1e3\">", "`1e3` is no xs:decimal"),
            ("2026-11-21T19:00:00", "2026-11-21T19:00:00Z", "is not as"),
            ("<properties/>", "", "testsuite: its children are"),
            ("<system-err/>", "", "testsuite: its children are"),
            ("name=\"a\"", "name=\"\"", "testsuite: `` is not as 1"),
            ("type=\"e\"", "", "failure: the attribute type is missing"),
            ("</failure>", "</failure><failure type=\"e\"/>", "testcase: its children are"),
        ];
        let cases = both.iter().flat_map(|case| [(ANT, case), (JENKINS, case)]);
        for (schema, (from, to, fault)) in cases.chain(ant.iter().map(|case| (ANT, case))) {
            let bad = GOOD.replacen(from, to, 1);
            assert_ne!(bad, GOOD, "{from}");
            let faults = faults(schema, &bad);
            assert!(!faults.is_empty(), "{from}");
            assert!(*fault == "parse" || faults.iter().any(|found| found.contains(fault)), "{from}: {faults:?}");
        }
    }
}
