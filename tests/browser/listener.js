// Runs before any script of a page. Notices everything that a script smuggled into it could do.
window.noticed = [];
for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
  window[name] = (...given) => { window.noticed.push(`${name}(${given.join(", ")})`); return null; };
}
Object.defineProperty(window, "hacked", { set(value) { top.noticed.push(`hacked: ${value}`); }, get() { return undefined; } });
document.addEventListener("securitypolicyviolation", (e) => window.noticed.push(`policy: ${e.violatedDirective} ${e.blockedURI}`));
