"""The measure: a system under test is any async function from a question to an outcome."""
