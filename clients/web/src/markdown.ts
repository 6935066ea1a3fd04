// Markdown as elements. It may come from a model or from somebody else: no HTML, no images, no links but to the web.

import DOMPurify from "dompurify";
import MarkdownIt from "markdown-it";

const TAGS = [
  ...["a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s"],
  ...["strong", "table", "tbody", "td", "th", "thead", "tr", "ul"],
];

const parser = new MarkdownIt({ html: false, linkify: false }).disable("image");
// The panel's own title is the page's only h1.
parser.core.ruler.push("lower_headings", ({ tokens }) => {
  for (const token of tokens) {
    if (token.type.startsWith("heading_")) {
      token.tag = `h${Math.min(Number(token.tag.slice(1)) + 1, 6)}`;
    }
  }
});

/** What `markdown` says. */
export function fromMarkdown(markdown: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(parser.render(markdown), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ["href", "start"],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll("a")) {
    if (link.href === "") {
      link.replaceWith(...link.childNodes); // it goes where nobody should
    }
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  }
  return fragment;
}

/** Make `target` show `markdown`. What is the same at its start stays, so that growing text can be selected. */
export function showMarkdown(target: Element, markdown: string): void {
  const wanted = [...fromMarkdown(markdown).childNodes];
  const there = [...target.childNodes];
  let same = 0;
  while (same < wanted.length && there[same]?.isEqualNode(wanted[same] ?? null)) {
    same += 1;
  }
  for (const node of there.slice(same)) {
    node.remove();
  }
  target.append(...wanted.slice(same));
}
