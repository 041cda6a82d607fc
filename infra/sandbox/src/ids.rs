//! What a state, a delivery and a due time belong to.

/// One verification at one provider. LINK's customers choose their ids, which may look like another provider's.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Id {
    /// A process, by its code.
    Auco(String),
    /// A request, by its id.
    Link(String),
    /// An authorization, by its UUID.
    Tecalis(String),
}
