// Shows the OpenAPI document with the installed Swagger UI.
const place = document.getElementById("api");
window.SwaggerUIBundle({ domNode: place, url: place.dataset.document, validatorUrl: null, deepLinking: true });
