"""The application in the browser: pages that draw, and the small modules beside them that think."""
