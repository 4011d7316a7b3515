"""How sound is made, in a process of its own."""
