"""The pages: each makes its data, which is the JSON, and from it what a person sees."""
