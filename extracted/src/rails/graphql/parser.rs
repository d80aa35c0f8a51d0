//! From words to a document, or the error that names the first word which cannot stand there.
//!
//! Source: graphql 1.13, `language/parser.y`.

use super::{
    Document, Field, Operation, OperationKind, Position, Refused, RequestError, Unread,
    document::{
        Definition, Directive, Fragment, GivenArgument, Inline, Node, Spread, Type, Value,
        VariableDefinition,
    },
    error::quoted,
    lexer::{Token, tokens},
};

/// Deeper ones nobody means; the recursion needs an end.
const MAX_NESTING: u32 = 64;

/// Reads a query's text.
///
/// # Errors
/// The gem's parse error, or [`Unread`].
pub fn parse(text: &str) -> Result<Document, Refused> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, nesting: 0 };
    let mut definitions = vec![parser.definition()?];
    while parser.kind().is_some() {
        definitions.push(parser.definition()?);
    }
    Ok(Document { definitions })
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    nesting: u32,
}

type Parsed<T> = Result<T, Refused>;

impl Parser {
    fn kind(&self) -> Option<&'static str> {
        self.tokens.get(self.next).map(|it| it.kind)
    }

    fn is(&self, kind: &str) -> bool {
        self.kind() == Some(kind)
    }

    fn at(&self) -> Position {
        self.tokens.get(self.next).map_or(Position { line: 1, column: 1 }, |it| it.at)
    }

    /// The next word, whatever it is.
    fn take(&mut self) -> Parsed<String> {
        let Some(token) = self.tokens.get_mut(self.next) else { return Err(self.unexpected()) };
        self.next += 1;
        Ok(std::mem::take(&mut token.text))
    }

    fn take_if(&mut self, kind: &str) -> bool {
        let found = self.is(kind);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, kind: &str) -> Parsed<()> {
        if self.take_if(kind) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// `on_error`
    fn unexpected(&self) -> Refused {
        let Some(token) = self.tokens.get(self.next) else {
            let error = RequestError::plain("Unexpected end of document".to_owned());
            return Refused::Wrong(Box::new(RequestError { locations: Some(Vec::new()), ..error }));
        };
        let Some(text) = quoted(&token.text) else {
            return Unread("an unexpected word has unusual characters").into();
        };
        let Position { line, column } = token.at;
        let message = format!("Parse error on {text} ({}) at [{line}, {column}]", token.kind);
        Refused::Wrong(Box::new(RequestError::at(message, token.at)))
    }

    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Unread("a query is nested deeply").into());
        }
        let parsed = parse(self)?;
        self.nesting -= 1;
        Ok(parsed)
    }

    fn definition(&mut self) -> Parsed<Definition> {
        let at = self.at();
        let kind = match self.kind() {
            Some("LCURLY") => return Ok(Definition::Operation(self.anonymous(at)?)),
            Some("FRAGMENT") => return Ok(Definition::Fragment(self.fragment(at)?)),
            Some("QUERY") => OperationKind::Query,
            Some("MUTATION") => OperationKind::Mutation,
            Some("SUBSCRIPTION") => OperationKind::Subscription,
            Some(
                "DIRECTIVE" | "ENUM" | "EXTEND" | "INPUT" | "INTERFACE" | "SCALAR" | "SCHEMA"
                | "STRING" | "TYPE" | "UNION",
            ) => return Err(Unread("a query defines types").into()),
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        let name = if self.kind().is_some_and(is_name) { Some(self.take()?) } else { None };
        let variables = self.variables()?;
        let directives = self.directives()?;
        let selections = self.selection_set()?;
        Ok(Definition::Operation(Operation { at, kind, name, variables, directives, selections }))
    }

    /// Only an operation without a keyword may be empty.
    fn anonymous(&mut self, at: Position) -> Parsed<Operation> {
        let empty = self.tokens.get(self.next + 1).is_some_and(|it| it.kind == "RCURLY");
        let selections = if empty {
            self.next += 2;
            Vec::new()
        } else {
            self.selection_set()?
        };
        Ok(Operation {
            at,
            kind: OperationKind::Query,
            name: None,
            variables: Vec::new(),
            directives: Vec::new(),
            selections,
        })
    }

    fn fragment(&mut self, at: Position) -> Parsed<Fragment> {
        self.next += 1;
        if self.is("ON") {
            return Err(Unread("a fragment has no name").into());
        }
        let name = self.name_without_on()?;
        self.expect("ON")?;
        let on = self.condition()?;
        let directives = self.directives()?;
        let selections = self.selection_set()?;
        Ok(Fragment { at, name, on, directives, selections })
    }

    /// The grammar has any type here.
    fn condition(&mut self) -> Parsed<String> {
        let odd = Unread("a fragment is on a list, or on what is never null");
        match self.type_of_variable()? {
            Type::Named(name) => Ok(name),
            Type::List(_) | Type::NonNull(_) => Err(odd.into()),
        }
    }

    fn variables(&mut self) -> Parsed<Vec<VariableDefinition>> {
        let mut variables = Vec::new();
        if self.take_if("LPAREN") {
            loop {
                let at = self.at();
                self.expect("VAR_SIGN")?;
                let name = self.name()?;
                self.expect("COLON")?;
                let kind = self.type_of_variable()?;
                let default = if self.take_if("EQUALS") { Some(self.literal()?) } else { None };
                variables.push(VariableDefinition { at, name, kind, default });
                if self.take_if("RPAREN") {
                    break;
                }
            }
        }
        Ok(variables)
    }

    fn type_of_variable(&mut self) -> Parsed<Type> {
        let of = if self.take_if("LBRACKET") {
            let item = self.nested(Self::type_of_variable)?;
            self.expect("RBRACKET")?;
            Type::List(Box::new(item))
        } else {
            Type::Named(self.name()?)
        };
        Ok(if self.take_if("BANG") { Type::NonNull(Box::new(of)) } else { of })
    }

    fn selection_set(&mut self) -> Parsed<Vec<Node>> {
        self.expect("LCURLY")?;
        self.nested(|it| {
            let mut selections = vec![it.selection()?];
            while !it.take_if("RCURLY") {
                selections.push(it.selection()?);
            }
            Ok(selections)
        })
    }

    fn selection(&mut self) -> Parsed<Node> {
        let at = self.at();
        if !self.take_if("ELLIPSIS") {
            return Ok(Node::Field(self.field(at)?));
        }
        if self.kind().is_some_and(is_name_without_on) {
            let name = self.take()?;
            return Ok(Node::Spread(Spread { at, name, directives: self.directives()? }));
        }
        let on = if self.take_if("ON") { Some(self.condition()?) } else { None };
        let directives = self.directives()?;
        let selections = self.selection_set()?;
        Ok(Node::Inline(Inline { at, on, directives, selections }))
    }

    fn field(&mut self, at: Position) -> Parsed<Field> {
        let first = self.name()?;
        let (alias, name) =
            if self.take_if("COLON") { (Some(first), self.name()?) } else { (None, first) };
        let arguments = self.arguments()?;
        let directives = self.directives()?;
        let selections = if self.is("LCURLY") { self.selection_set()? } else { Vec::new() };
        Ok(Field { at, alias, name, arguments, directives, selections })
    }

    fn directives(&mut self) -> Parsed<Vec<Directive>> {
        let mut directives = Vec::new();
        loop {
            let at = self.at();
            if !self.take_if("DIR_SIGN") {
                return Ok(directives);
            }
            let name = self.name()?;
            directives.push(Directive { at, name, arguments: self.arguments()? });
        }
    }

    fn arguments(&mut self) -> Parsed<Vec<GivenArgument>> {
        let mut arguments = Vec::new();
        if self.take_if("LPAREN") {
            loop {
                let at = self.at();
                let name = self.name()?;
                self.expect("COLON")?;
                let value = if self.is("VAR_SIGN") { self.variable()? } else { self.literal()? };
                arguments.push(GivenArgument { at, name, value });
                if self.take_if("RPAREN") {
                    break;
                }
            }
        }
        Ok(arguments)
    }

    fn variable(&mut self) -> Parsed<Value> {
        let at = self.at();
        self.expect("VAR_SIGN")?;
        Ok(Value::Variable { at, name: self.name()? })
    }

    fn literal(&mut self) -> Parsed<Value> {
        const LARGE: Unread = Unread("a query has a number beyond 64 bits");
        let kind = self.kind();
        Ok(match kind {
            Some("INT") => Value::Integer(self.take()?.parse().map_err(|_| LARGE)?),
            Some("FLOAT") => {
                let value = self.take()?.parse::<f64>().ok().filter(|it| it.is_finite());
                Value::Float(value.ok_or(LARGE)?)
            }
            Some("STRING") => Value::Text(self.take()?),
            Some("TRUE" | "FALSE") => Value::Boolean(self.take()? == "true"),
            Some("NULL") => {
                self.next += 1;
                Value::Null
            }
            Some("LBRACKET" | "LCURLY") => {
                return Err(Unread("an argument is a list or an object").into());
            }
            Some(kind) if is_name(kind) => Value::Enum(self.take()?),
            _ => return Err(self.unexpected()),
        })
    }

    fn name(&mut self) -> Parsed<String> {
        if self.kind().is_some_and(is_name) { self.take() } else { Err(self.unexpected()) }
    }

    fn name_without_on(&mut self) -> Parsed<String> {
        if self.kind().is_some_and(is_name_without_on) {
            self.take()
        } else {
            Err(self.unexpected())
        }
    }
}

fn is_name(kind: &str) -> bool {
    kind == "ON" || is_name_without_on(kind)
}

fn is_name_without_on(kind: &str) -> bool {
    matches!(
        kind,
        "DIRECTIVE"
            | "ENUM"
            | "FALSE"
            | "FRAGMENT"
            | "IDENTIFIER"
            | "IMPLEMENTS"
            | "INPUT"
            | "INTERFACE"
            | "MUTATION"
            | "QUERY"
            | "REPEATABLE"
            | "SCALAR"
            | "SCHEMA"
            | "SUBSCRIPTION"
            | "TRUE"
            | "TYPE"
            | "UNION"
    )
}
