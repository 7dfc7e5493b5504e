"""Operations on several rows: imports, refreshes, and changes of the default App."""
