"""Questions to the operator: modal screens, typed by their answer."""
