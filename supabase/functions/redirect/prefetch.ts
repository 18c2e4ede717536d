/**
 * Programs that open a link to show a preview of it, and say so. Counted in, each message in a group
 * chat would be a click.
 */
const PREVIEWS = new RegExp(
  [
    "facebookexternalhit|Facebot|meta-externalagent|WhatsApp/|Twitterbot|Slackbot|Slack-ImgProxy",
    "LinkedInBot|Discordbot|TelegramBot|redditbot|SkypeUriPreview|MicrosoftPreview|Viber/",
    "Snap URL Preview|Pinterestbot|Mastodon/|Bluesky Cardyb|Embedly|Iframely|vkShare|Applebot",
    "Googlebot|bingbot|Google-PageRenderer|GoogleImageProxy",
  ].join("|"),
  "i",
);

/** Whether nobody has clicked: a browser fetches ahead, or a program makes a preview. */
export function isPrefetch(headers: Headers): boolean {
  const purpose = ["sec-purpose", "purpose", "x-purpose", "x-moz"].map((name) => headers.get(name));
  return /\b(?:prefetch|preview)\b/i.test(purpose.join(" ")) ||
    PREVIEWS.test(headers.get("user-agent") ?? "");
}
