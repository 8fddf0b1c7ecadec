// Shows the OpenAPI document with the installed Swagger UI, dark or light as on the other pages.
const wanted = localStorage.getItem("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
document.documentElement.classList.toggle("dark-mode", wanted === "dark");
const place = document.getElementById("api");
window.SwaggerUIBundle({ domNode: place, url: place.dataset.document, validatorUrl: null, deepLinking: true });
