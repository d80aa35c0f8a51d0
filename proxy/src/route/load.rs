//! A route file that a command reads once.

use std::{io, path::Path};

use super::{Compiler, Faults, RouteTable, reload::read};

/// Why a command has no route table.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("the route file {0} cannot be read; name it with --routes")]
    Read(String, #[source] io::Error),
    /// It has faults.
    #[error("the route file was not accepted; try it with `banyan check`")]
    Faults(#[source] Faults),
}

impl Compiler {
    /// The table of a file; its warnings are those of `banyan check`.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(&self, file: &Path) -> Result<RouteTable, LoadError> {
        let name = file.display().to_string();
        let text = read(file).map_err(|it| LoadError::Read(name.clone(), it))?;
        let compiled = self.compile(&text, &name).map_err(LoadError::Faults)?;
        Ok(compiled.table)
    }
}
