//! What is understood, and where mistakes point.
use super::parse;
use crate::trace::syntax::{Expression, ExpressionKind, Handling, Operator, Statement};
fn place_of(text: &str) -> usize {
    parse(text).expect_err(text).at
}

#[test]
fn the_example_is_understood() {
    let clauses = parse("syscall:::entry /execname == \"python3\"/ { @[probefunc] = count(); }").unwrap();
    assert_eq!(clauses.len(), 1);
    assert_eq!(clauses[0].probes, [(0, "syscall:::entry".to_string())]);
    assert!(clauses[0].predicate.is_some());
    assert!(matches!(&clauses[0].actions.as_deref(), Some([Statement::Aggregate { keys, .. }]) if keys.len() == 1));
}

#[test]
fn operators_bind_as_in_c() {
    let value = |text: &str| match &parse(&format!("BEGIN{{x={text}}}")).expect(text)[0].actions.as_deref() {
        Some([Statement::Assign { value, .. }]) => shape(value),
        other => panic!("{other:?}"),
    };
    assert_eq!(value("1 + 2 * 3"), "(1 Add (2 Multiply 3))");
    assert_eq!(value("1 - 2 - 3"), "((1 Subtract 2) Subtract 3)");
    assert_eq!(value("a & 1 == 0"), "(a And (1 Equal 0))");
    assert_eq!(value("a && b || c"), "((a && b) || c)");
    assert_eq!(value("-a >> 0x10"), "(Negate a ShiftRight 16)");
    assert_eq!(value("a > b ? 1 : c >= 2"), "((a <Less b) ? 1 : (c <LessOrEqual 2))");
    assert_eq!(value("(a / b) % self->c"), "((a Divide b) Remainder self->c)");
    assert_eq!(value("010 + args[2]"), "(8 Add arg2)");
    assert_eq!(value("copyinstr(arg0, 64) == this->name"), "(Text(arg0, 64) Equal this->name)");
}

fn shape(expression: &Expression) -> String {
    match &expression.kind {
        ExpressionKind::Number(number) => number.to_string(),
        ExpressionKind::Text(text) => format!("{text:?}"),
        ExpressionKind::Name(name) => name.clone(),
        ExpressionKind::Local(name) => format!("self->{name}"),
        ExpressionKind::This(name) => format!("this->{name}"),
        ExpressionKind::Call(function, arguments) => {
            let arguments: Vec<String> = arguments.iter().map(shape).collect();
            format!("{function:?}({})", arguments.join(", "))
        }
        ExpressionKind::Unary(operator, operand) => format!("{operator:?} {}", shape(operand)),
        ExpressionKind::Binary(operator, left, right) => {
            let operator = match operator {
                Operator::Plain(operation) => format!("{operation:?}"),
                Operator::Swapped(operation) => format!("<{operation:?}"),
                Operator::Both => "&&".into(),
                Operator::Either => "||".into(),
            };
            format!("({} {operator} {})", shape(left), shape(right))
        }
        ExpressionKind::Choice(parts) => {
            format!("({} ? {} : {})", shape(&parts[0]), shape(&parts[1]), shape(&parts[2]))
        }
    }
}

#[test]
fn branches_may_stand_with_and_without_braces() {
    let text = "BEGIN { if (1) x = 1; else if (2) { x = 2; y = 3 } else exit(1); if (3) { } z = 1 }";
    let clauses = parse(text).unwrap();
    let Some([Statement::If { then, otherwise, .. }, Statement::If { then: empty, .. }, Statement::Assign { .. }]) =
        clauses[0].actions.as_deref()
    else {
        panic!("{clauses:?}")
    };
    assert_eq!((then.len(), empty.len()), (1, 0));
    assert!(
        matches!(&otherwise[..], [Statement::If { then, otherwise, .. }] if then.len() == 2 && otherwise.len() == 1)
    );
}

#[test]
fn aggregations_are_handled() {
    let clauses =
        parse("tick-1s { printa(\"%s %@d\", @a); trunc(@a, -3); clear(@); normalize(@a, 10); stack(); }").unwrap();
    let actions = clauses[0].actions.as_deref().unwrap();
    assert!(matches!(&actions[0], Statement::Handle { format: Some(_), name, .. } if name.1 == "a"));
    assert!(matches!(&actions[1], Statement::Handle { what: Handling::Truncate, number: Some(_), .. }));
    assert!(matches!(&actions[2], Statement::Handle { what: Handling::Clear, number: None, .. }));
    assert!(matches!(&actions[4], Statement::Trace(_)));
}

#[test]
fn a_slash_divides_or_ends() {
    let clauses = parse("a:::b /x / 2 == 1/ {} c:::d /y/; e:::f /(z / 2)/").unwrap();
    assert_eq!(clauses.len(), 3);
    assert_eq!(shape(clauses[0].predicate.as_ref().unwrap()), "((x Divide 2) Equal 1)");
    assert!(clauses[1].actions.is_none() && clauses[2].predicate.is_some());
}

#[test]
fn mistakes_point_at_their_place() {
    assert_eq!(place_of(""), 0);
    assert_eq!(place_of("a:::b {"), 7);
    assert_eq!(place_of("a:::b / x {"), 10);
    assert_eq!(place_of("a:::b { @[] = count() }"), 10);
    assert_eq!(place_of("a:::b { @ = count( }"), 19);
    assert_eq!(place_of("a:::b { x 1 }"), 10);
    assert_eq!(place_of("a:::b { printf(1) }"), 15);
    assert_eq!(place_of("a:::b { x = \"y }"), 12);
    assert_eq!(place_of("a:::b { x = 12z }"), 12);
    assert_eq!(place_of("a:::b { nosuch(1) }"), 8);
    assert_eq!(place_of("a:::b c"), 6);
    assert_eq!(place_of("a:::b { x = nosuch(1) }"), 12);
    assert_eq!(place_of("a:::b { clear(a) }"), 14);
    assert_eq!(place_of("a:::b { normalize(@a) }"), 20);
    assert_eq!(place_of("a:::b { if 1 { } }"), 11);
    assert_eq!(place_of("a:::b { if (1) }"), 15);
    let deep = format!("BEGIN {{ {} }}", "if (1) ".repeat(100));
    assert!(parse(&deep).unwrap_err().message.contains("deep"));
    assert_eq!(place_of("a:::b /* x"), 6);
    let deep = format!("BEGIN {{ x = {}1{} }}", "(".repeat(100), ")".repeat(100));
    assert!(parse(&deep).unwrap_err().message.contains("deep"));
    assert!(parse(&format!("BEGIN {{ x = {}1 }}", "- ".repeat(9999))).unwrap_err().message.contains("deep"));
    let long = format!("BEGIN {{ x = 1{} }}", "+1".repeat(9999));
    assert!(parse(&long).unwrap_err().message.contains("many operators"));
}
