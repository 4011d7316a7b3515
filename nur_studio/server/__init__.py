"""The product's reference as an HTTP interface over the studio. Needs the extra `server`: FastAPI and uvicorn."""
