"""The host of the money: a loopback proxy before the model API, its ledger, and the offline stand-in."""
