//! What may be asked for: types without lists and nullability where validation does not need them.

/// A schema.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    /// The root of queries.
    pub query: &'static Object,
    /// The root of mutations.
    pub mutation: &'static Object,
    /// All objects, the roots included.
    pub objects: &'static [&'static Object],
    /// All scalars, the built-in ones included.
    pub scalars: &'static [&'static str],
}

/// An object type.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    /// Its name.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [SchemaField],
}

/// A field of an object.
#[derive(Debug, Clone, Copy)]
pub struct SchemaField {
    /// Its name.
    pub name: &'static str,
    /// What it returns, without brackets.
    pub returns: FieldType,
    /// What it accepts.
    pub arguments: &'static [Argument],
}

/// What a field returns, by the type's name.
#[derive(Debug, Clone, Copy)]
pub enum FieldType {
    /// It has no fields.
    Scalar(&'static str),
    /// It has.
    Object(&'static str),
}

/// What a field or a directive accepts.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub input: Input,
    /// Whether it must be given.
    pub required: bool,
}

/// A scalar that may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// true or false.
    Boolean,
    /// A text or a number.
    Id,
    /// A number of 32 bits.
    Int,
    /// A text.
    String,
}

/// `__typename`
static TYPENAME: SchemaField =
    SchemaField { name: "__typename", returns: FieldType::Scalar("String"), arguments: &[] };

/// Of `@include` and `@skip`.
pub(super) const IF: Argument = Argument { name: "if", input: Input::Boolean, required: true };

impl Schema {
    pub(super) fn object(&self, name: &str) -> Option<&'static Object> {
        self.objects.iter().copied().find(|it| it.name == name)
    }

    pub(super) fn has_scalar(&self, name: &str) -> bool {
        self.scalars.contains(&name)
    }
}

impl Object {
    pub(super) fn field(&self, name: &str) -> Option<&'static SchemaField> {
        if name == TYPENAME.name {
            return Some(&TYPENAME);
        }
        self.fields.iter().find(|it| it.name == name)
    }
}

impl SchemaField {
    /// A field that accepts nothing.
    pub const fn new(name: &'static str, returns: FieldType) -> Self {
        Self { name, returns, arguments: &[] }
    }
}

impl Argument {
    /// `type.to_type_signature`
    pub(super) fn signature(&self) -> String {
        format!("{}{}", self.input.name(), if self.required { "!" } else { "" })
    }
}

impl Input {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Boolean",
            Self::Id => "ID",
            Self::Int => "Int",
            Self::String => "String",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Boolean, Self::Id, Self::Int, Self::String].into_iter().find(|it| it.name() == name)
    }
}
