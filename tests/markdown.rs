//! The Markdown output as a parser reads it: whatever the names, values and messages, the page holds together, everything
//! foreign is literal text in code, it fits into a comment, and the counts are true.

use ecs_operator::model::desired::Origin;
use ecs_operator::model::diff::Difference;
use ecs_operator::model::facts::shape;
use ecs_operator::model::names::{Key, Kind};
use ecs_operator::model::semantics::Change;
use ecs_operator::plan::{Blocked, Hold, ObjectPlan, Plan, PlannedDifference, Verdict, Waiting};
use ecs_operator::report::{Source, View};
use insta::assert_snapshot;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a comment takes.
const LIMIT: usize = 65_536;

fn object(kind: Kind, name: &str, verdict: Verdict) -> ObjectPlan {
    let cluster = (kind == Kind::EcsService).then(|| "shop".to_owned());
    ObjectPlan {
        key: Key { kind, region: "eu-central-1".into(), cluster, name: name.into() },
        origin: Origin { kind, namespace: None, name: name.into(), place: format!("shop/{name}.yaml:1") },
        verdict,
        differences: Vec::new(),
        notes: Vec::new(),
        undeclared: Vec::new(),
        hold: None,
        actions: Vec::new(),
    }
}

fn difference(path: &str, live: Option<Value>, desired: Option<Value>) -> PlannedDifference {
    let difference = Difference {
        path: path.into(),
        live,
        desired,
        by_default: false,
        shape: shape("ecs", "String").unwrap(),
        secret: false,
        change: Change::InPlace,
    };
    PlannedDifference { difference, drift: false, held_back: false }
}

fn view(objects: Vec<ObjectPlan>) -> View {
    let plan = Plan { account: "123456789012".into(), owner: "default".into(), objects, ..Plan::default() };
    View::of(&plan, &Source { place: "deploy".into(), revision: Some("4f2c1e9".into()) }, false)
}

/// A page as a parser understands it.
#[derive(Debug, Default)]
struct Page {
    /// Words that are formatted: no code.
    words: String,
    /// What stands in `<code>`.
    code: Vec<String>,
    /// What stands in fences.
    fences: Vec<String>,
    /// How often each HTML element is opened.
    elements: BTreeMap<String, usize>,
}

impl Page {
    fn read(markdown: &str) -> Self {
        let mut page = Self::default();
        let mut html = String::new();
        let mut fence = None;
        for event in Parser::new_ext(markdown, Options::all()) {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    assert!(matches!(kind, CodeBlockKind::Fenced(_)), "indented code");
                    fence = Some(String::new());
                }
                Event::End(TagEnd::CodeBlock) => page.fences.extend(fence.take()),
                Event::Text(text) => match &mut fence {
                    Some(fence) => fence.push_str(&text),
                    None => page.words.push_str(&text),
                },
                // Blocks follow each other: elements may begin in one and end in another.
                Event::Html(text) => html.push_str(&text),
                Event::SoftBreak => page.words.push(' '),
                Event::Start(
                    Tag::Heading { .. } | Tag::BlockQuote(_) | Tag::Paragraph | Tag::Strong | Tag::HtmlBlock,
                )
                | Event::End(
                    TagEnd::Heading(_)
                    | TagEnd::BlockQuote(_)
                    | TagEnd::Paragraph
                    | TagEnd::Strong
                    | TagEnd::HtmlBlock,
                ) => {}
                other => panic!("nothing of ours makes this: {other:?}"),
            }
        }
        page.html(&html);
        page
    }

    /// Elements in each other, text between them.
    fn html(&mut self, html: &str) {
        let mut open: Vec<String> = Vec::new();
        let mut rest = html;
        while let Some((text, after)) = rest.split_once('<') {
            self.text(text, &open);
            let (tag, after) = after.split_once('>').unwrap_or_else(|| panic!("an open tag: {after}"));
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(closed), "in {html}");
            } else {
                let known = ["p", "ul", "li", "b", "code", "details", "summary"];
                assert!(known.contains(&tag), "an element that is not ours: {tag}");
                *self.elements.entry(tag.to_owned()).or_default() += 1;
                open.push(tag.to_owned());
                if tag == "code" {
                    self.code.push(String::new());
                    self.words.push(' ');
                }
            }
            rest = after;
        }
        self.text(rest, &open);
        assert!(open.is_empty(), "not closed: {open:?}");
    }

    fn text(&mut self, text: &str, open: &[String]) {
        assert!(!text.contains('>'), "{text}");
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        match self.code.last_mut().filter(|_| open.last().is_some_and(|last| last == "code")) {
            Some(code) => code.push_str(&text),
            None => self.words.push_str(&text),
        }
    }

    fn opened(&self, element: &str) -> usize {
        self.elements.get(element).copied().unwrap_or_default()
    }

    /// Whether `text` stands somewhere, letter for letter.
    fn tells(&self, text: &str) -> bool {
        self.code.iter().chain(&self.fences).any(|code| code.contains(text))
    }

    /// The number before `what`.
    fn count(&self, what: &str) -> usize {
        let Some((before, _)) = self.words.split_once(what) else { return 0 };
        before.rsplit([' ', '\n']).next().unwrap().parse().unwrap()
    }
}

#[test]
fn reviewers_read_counts_first_then_problems_then_changes() {
    let mut web = object(Kind::EcsService, "web", Verdict::Change);
    let mut image = difference(
        "taskDefinition.containerDefinitions[web].image",
        Some(json!("shop/web:1.4.0")),
        Some(json!("shop/web:1.5.0")),
    );
    image.difference.change = Change::NewDeployment;
    let mut secret = difference(
        "taskDefinition.containerDefinitions[web].environment[KEY].value",
        Some(json!("hunter2")),
        Some(json!("swordfish")),
    );
    secret.difference.secret = true;
    let mut exec = difference("service.enableExecuteCommand", Some(json!(true)), Some(json!(false)));
    (exec.drift, exec.held_back, exec.difference.by_default) = (true, true, true);
    let groups = difference(
        "service.networkConfiguration.awsvpcConfiguration.securityGroups",
        Some(json!(["sg-0aa"])),
        Some(json!(["sg-0bb", "sg-0cc"])),
    );
    web.differences = vec![image, secret, exec, groups];
    web.notes = vec!["desiredCount is Application Auto Scaling's, within 2 and 10".into()];
    let mut legacy = object(Kind::EcsService, "legacy", Verdict::NotOwned);
    legacy.hold = Some(Hold::Blocked(Blocked::NotOwned { owner: None }));
    let cluster = object(Kind::EcsCluster, "shop", Verdict::Unchanged);
    assert_snapshot!(view(vec![cluster, web, legacy]).plan_markdown(false), @r#"
    ### 1 to change, 1 not owned, 1 unchanged

    <p><code>123456789012</code> <code>eu-central-1</code> · owner <code>default</code> · <code>deploy</code> at <code>4f2c1e9</code></p>

    <details><summary>x <code>EcsService/legacy</code> <b>not owned</b> · blocked: it exists and nobody's tag is on it</summary>

    <ul>
    <li>hint: to take it over, annotate the manifest with <code>ecs-operator.dev/adopt: "true"</code>, or pass <code>--adopt</code></li>
    <li>manifest: <code>shop/legacy.yaml:1</code></li>
    </ul>

    </details>

    <details><summary>~ <code>EcsService/web</code> <b>new deployment</b> · it is not what the manifest says</summary>

    ```diff
    @@ taskDefinition.containerDefinitions[web].image @@ new deployment
    - shop/web:1.4.0
    + shop/web:1.5.0
    @@ taskDefinition.containerDefinitions[web].environment[KEY].value @@ in place
    ! (changed, hidden)
    @@ service.enableExecuteCommand @@ in place · drift · default · left alone: its manifest says only to report it
    - true
    + false
    @@ service.networkConfiguration.awsvpcConfiguration.securityGroups @@ in place
    - sg-0aa
    + sg-0bb
    + sg-0cc
    ```

    <ul>
    <li>desiredCount is Application Auto Scaling's, within <code>2</code> and <code>10</code></li>
    <li>manifest: <code>shop/web.yaml:1</code></li>
    </ul>

    </details>

    <details><summary>1 as declared</summary>
    <ul>
    <li><code>EcsCluster/shop</code> <b>unchanged</b></li>
    </ul>
    </details>
    "#);
}

#[test]
fn a_secret_is_in_no_markdown() {
    let mut web = object(Kind::EcsService, "web", Verdict::Change);
    let container = |value: &str| json!({"name": "web", "environment": [{"name": "KEY", "value": value}]});
    let path = "taskDefinition.containerDefinitions[web]";
    let mut one = difference(path, Some(container("hunter2")), Some(container("hunter3")));
    one.difference.shape = shape("ecs", "ContainerDefinition").unwrap();
    let mut other = one.clone();
    other.difference.live = None;
    web.differences = vec![one, other];
    let view = view(vec![web]);
    for markdown in [view.plan_markdown(false), view.plan_markdown(true), view.status_markdown(true)] {
        assert!(!markdown.contains("hunter"), "{markdown}");
        assert!(markdown.contains("(changed, hidden)"));
    }
}

#[test]
fn what_does_not_fit_is_left_out_in_whole_objects_from_the_end() {
    let mut objects: Vec<ObjectPlan> = (0..900)
        .map(|number| object(Kind::EcsService, &format!("steady-{number}"), Verdict::Unchanged))
        .collect();
    for number in 0..300 {
        let mut one = object(Kind::EcsService, &format!("web-{number}"), Verdict::Change);
        let long = if number == 7 { "x".repeat(390) } else { String::new() };
        one.differences = (0..if number == 7 { 200 } else { 1 })
            .map(|at| difference(&format!("service.p{at}"), Some(json!("a")), Some(json!(long))))
            .collect();
        objects.push(one);
    }
    let mut blocked = object(Kind::EcsService, "blocked", Verdict::Create);
    blocked.hold = Some(Hold::Blocked(Blocked::Missing { what: "cluster `shop`".into() }));
    objects.push(blocked);
    let markdown = view(objects).plan_markdown(false);
    let page = Page::read(&markdown);
    assert!(markdown.len() <= LIMIT && markdown.len() > LIMIT - 4_000, "{}", markdown.len());
    assert!(markdown.starts_with("### 1 to create, 300 to change, 900 unchanged, 1 blocked\n"));
    assert_eq!(page.code[5], "EcsService/blocked", "what needs somebody comes first");
    assert!(page.tells("EcsService/web-299"), "every object that changes has its line");
    let whole = page.opened("details") - 1;
    assert_eq!(whole + page.count(" objects without details"), 301);
    assert!(whole > 50, "{whole}");
    assert!(!page.tells("service.p199"), "the large one goes without its details");
    let shown = 900 - page.count(" objects not shown");
    assert_eq!(page.count(" more"), 900 - shown);
    assert!(page.tells("EcsService/steady-0") == (shown > 0));
}

/// What could break a page, beside any letter.
fn text() -> impl Strategy<Value = String> {
    let nasty = select(vec![
        "`",
        "```",
        "``````````",
        "~~~",
        "\n",
        "\r",
        "\n\n",
        "    ",
        "\t",
        "|",
        "\\",
        "</details>",
        "</code>",
        "<code>",
        "<!--",
        "-->",
        "<script>",
        "<a href=\"x\">",
        "&lt;",
        "&#64;",
        "@octocat",
        "@org/team",
        "#123",
        "octo/repo#1",
        "GH-1",
        "https://example.com",
        "www.example.com",
        "a@b.example",
        "[x](y)",
        "![x](y)",
        "[^1]",
        "**",
        "__",
        "_",
        "# ",
        "> ",
        "- ",
        "1. ",
        "$$",
        ":tada:",
        "---",
        "===",
        "\u{200b}",
        "\u{202e}",
        "\u{0}",
        "\u{1b}[31m",
        "\u{2028}",
        "é",
        "🌈",
        "{{",
        "4f2c1e9d8b7a6c5e4f3d2c1b0a9f8e7d6c5b4a39",
    ]);
    let piece = prop_oneof![4 => nasty.prop_map(str::to_owned), 2 => "[a-z]{1,8}", 1 => any::<String>()];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let long = (text(), 1..200usize).prop_map(|(text, times)| Value::from(text.repeat(times)));
    prop_oneof![
        3 => text().prop_map(Value::from),
        1 => vec(text(), 0..4).prop_map(Value::from),
        1 => (text(), text()).prop_map(|(name, value)| json!({name: value})),
        1 => long,
    ]
}

fn differences() -> impl Strategy<Value = PlannedDifference> {
    let sides = (prop::option::of(value()), prop::option::of(value()));
    (text(), sides, any::<bool>(), any::<bool>()).prop_map(|(path, (live, desired), drift, secret)| {
        let mut one = difference(&path, live, desired);
        (one.drift, one.difference.secret) = (drift, secret);
        one
    })
}

fn holds() -> impl Strategy<Value = Option<Hold>> {
    let owner = |owner| Hold::Blocked(Blocked::NotOwned { owner: Some(owner) });
    let unusable = |(what, why)| Hold::Blocked(Blocked::Unusable { what, why });
    prop::option::of(prop_oneof![
        text().prop_map(|name| Hold::Waiting(Waiting::Cluster { name })),
        text().prop_map(owner),
        (text(), text()).prop_map(unusable),
    ])
}

fn objects() -> impl Strategy<Value = ObjectPlan> {
    let verdicts = select(vec![
        Verdict::Create,
        Verdict::Change,
        Verdict::Drift,
        Verdict::Adopt,
        Verdict::Delete,
        Verdict::NotOwned,
        Verdict::Unreadable,
        Verdict::Suspended,
        Verdict::Unchanged,
    ]);
    let kinds = select(Kind::ALL.to_vec());
    let told = (vec(differences(), 0..4), vec(text(), 0..3), vec(text(), 0..3), holds());
    (kinds, text(), text(), verdicts, told).prop_map(|(kind, name, place, verdict, told)| {
        let (differences, notes, undeclared, hold) = told;
        let one = object(kind, &name, verdict);
        let origin = Origin { place, ..one.origin.clone() };
        ObjectPlan { differences, notes, undeclared, hold, origin, ..one }
    })
}

fn views() -> impl Strategy<Value = View> {
    (vec(objects(), 0..20), 1..12usize, text(), text(), text()).prop_map(
        |(some, times, owner, place, revision)| {
            let objects = (0..times).flat_map(|_| some.clone()).collect();
            let plan = Plan { account: "123456789012".into(), owner, objects, ..Plan::default() };
            View::of(&plan, &Source { place, revision: Some(revision) }, false)
        },
    )
}

/// The words that may stand outside code: sentences, numbers, symbols.
fn is_harmless(words: &str) -> bool {
    words.split_whitespace().all(|word| {
        let number = word.trim_start_matches('(').trim_end_matches([',', ')', '.']);
        let sentence = |letter: char| letter.is_ascii_alphabetic() || "'-(),.;:".contains(letter);
        let inner = word.trim_end_matches([')', ',', '.', ';', ':']);
        ["·", "+", "~", "!", "=", "-", "x", "?", "…", ".", "✓", "✗"].contains(&word)
            || (!number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit()))
            || (word.chars().all(sentence) && !inner.contains(['.', ':']))
    })
}

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_it_tells_the_page_holds_together_fits_and_counts(view in views(), verbose in any::<bool>()) {
        for markdown in [view.plan_markdown(verbose), view.status_markdown(verbose)] {
            prop_assert!(markdown.len() <= LIMIT);
            let page = Page::read(&markdown);
            prop_assert!(is_harmless(&page.words), "{}", page.words);
            let hidden = |letter: char| letter != '\n' && (letter.is_control() || "\u{200b}\u{202e}\u{2028}".contains(letter));
            prop_assert!(!markdown.contains(hidden));
            // Every object is shown whole, on a line, in the list at the end, or counted as not shown.
            let folded = usize::from(page.words.contains(" as declared\n"));
            let notes = page.opened("li");
            let whole = page.opened("details") - folded;
            let lines = page.opened("p") - 1;
            let quiet = markdown.rsplit_once(" as declared</summary>").map_or(0, |(_, list)| list.matches("<li>").count());
            let more = usize::from(markdown.contains(" more</li>"));
            let not_shown = page.count(" objects not shown") + page.count(" object not shown");
            prop_assert_eq!(whole + lines + quiet - more + not_shown, view.objects.len(), "of {} notes: {}", notes, markdown);
        }
        let markdown = view.plan_markdown(verbose);
        let counts: usize = view.summary.verdicts.values().sum();
        prop_assert_eq!(counts, view.objects.len());
        let heading = format!("### {}\n", view.summary_text().trim_end());
        prop_assert!(markdown.starts_with(&heading));
    }

    #[test]
    fn names_paths_and_values_are_read_back_letter_for_letter(
        name in "[!-~]{1,40}", path in "[!-~]{1,40}", old in "[!-~]{1,60}", new in "[!-~]{1,60}"
    ) {
        let mut web = object(Kind::EcsService, &name, Verdict::Change);
        let both = difference(&path, Some(json!(old)), Some(json!(new)));
        web.differences = vec![both];
        web.undeclared = vec![path.clone()];
        let page = Page::read(&view(vec![web]).plan_markdown(true));
        prop_assert!(page.tells(&format!("EcsService/{name}")), "{page:?}");
        prop_assert!(page.code.contains(&path));
        let place = format!("@@ {path} @@ in place\n");
        prop_assert!(page.tells(&place));
        for (mark, text) in [('-', old), ('+', new)] {
            // As it is, or quoted where it would read as something else.
            let quoted = Value::from(text.as_str()).to_string();
            prop_assert!(page.tells(&format!("{mark} {text}\n")) || page.tells(&format!("{mark} {quoted}\n")), "{page:?}");
        }
    }
}
