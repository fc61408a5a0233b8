// Runs before any script of a page and of its frames. Notices everything that a script smuggled into it could do.
window.noticed = [];
const notice = (what) => { try { top.noticed.push(what); } catch { window.noticed.push(what); } };
for (const name of ["alert", "confirm", "prompt", "print", "open"]) {
  window[name] = (...given) => { notice(`${name}(${given.join(", ")})`); return null; };
}
Object.defineProperty(window, "hacked", { set(value) { notice(`hacked: ${value}`); }, get() { return undefined; } });
document.addEventListener("securitypolicyviolation", (e) => notice(`policy: ${e.violatedDirective} ${e.blockedURI}`));
