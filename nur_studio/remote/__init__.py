"""A studio on another machine, or in another program: spoken to over HTTP."""
