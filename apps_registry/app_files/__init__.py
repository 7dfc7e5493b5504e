"""An App as one readable file: written, read strictly, compared, and made so."""
