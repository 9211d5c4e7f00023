/* support_page_style.h - how the report looks: one column on a phone, two figures beside each other on a desk, light or
 * dark as the reader's system is. */
#ifndef SUPPORT_PAGE_STYLE_H
#define SUPPORT_PAGE_STYLE_H

static const char page_style[] =
    ":root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1d2430;--soft:#566070;--grid:#e3e6ea;--line:#d5dae1;"
    "--c1:#0072b2;--c2:#d55e00;--c3:#009e73;--c4:#b3649a;--c5:#b07d00;--c6:#3a9bd0;--faint:#9ecae1;--mark:#d55e00;"
    "--band:rgba(213,94,0,.14);--saturated:#a33b00;--diverged:#9b1c31;--improving:#006b4d;--plateau:#5a5300;--unclear:#4a5568}\n"
    "@media(prefers-color-scheme:dark){:root{--paper:#12161c;--card:#1b212a;--ink:#e6eaf0;--soft:#a3adba;--grid:#2b333e;"
    "--line:#38424f;--c1:#58b4e8;--c2:#ff9455;--c3:#39c79c;--c4:#e39ac8;--c5:#e6b95c;--c6:#8fd0f5;--faint:#3f6d8c;--mark:#ff9455;"
    "--band:rgba(255,148,85,.18);--saturated:#b84a0e;--diverged:#b8324a;--improving:#0b7f5e;--plateau:#7a7000;"
    "--unclear:#5c6878}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\n"
    "main{max-width:1120px;margin:0 auto;padding:20px 16px 48px}\n"
    ".verdict{color:#fff;border-radius:12px;padding:18px 20px;margin:8px 0 20px}\n"
    ".verdict h1{margin:0;font-size:clamp(1.5rem,5vw,2.3rem);line-height:1.2}\n"
    ".verdict p{margin:.4em 0 0;overflow-wrap:anywhere}\n"
    "h2{font-size:1.2rem;margin:1.8em 0 .5em}\n"
    "ul{padding-left:1.15em;margin:.3em 0}li{margin:.3em 0;overflow-wrap:anywhere}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:18px}\n"
    "figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:12px;min-width:0}\n"
    "figure.wide{grid-column:1/-1}\n"
    "figure.wide svg{max-height:400px}\n"
    "figcaption{font-size:.92rem;color:var(--soft);margin-top:6px;overflow-wrap:anywhere}\n"
    "figcaption b{color:var(--ink)}\n"
    "svg{display:block;width:100%;height:auto;font:13px system-ui,sans-serif}\n"
    "svg text{fill:var(--soft)}svg .m{text-anchor:middle}svg .e{text-anchor:end}svg .g{stroke:var(--grid)}"
    "svg .t{stroke:var(--ink)}\n"
    "@media(max-width:600px){svg{font-size:19px}}\n"
    ".key{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:.88rem;color:var(--soft)}.key i{display:inline-block;width:20px;"
    "height:3px;vertical-align:middle;margin-right:6px}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-size:.92rem}td,th{text-align:left;padding:5px 16px 5px 0;border-bottom:1px solid "
    "var(--line);vertical-align:top}th{font-weight:600}td{overflow-wrap:anywhere;font-variant-numeric:tabular-nums}\n"
    "footer{margin-top:2.5em;color:var(--soft);font-size:.88rem}\n"
    "code{overflow-wrap:anywhere}\n"
    "@media print{body{background:#fff}figure{break-inside:avoid}}\n";

#endif
