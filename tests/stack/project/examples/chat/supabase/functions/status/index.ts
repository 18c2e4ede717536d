Deno.serve(() => Response.json({ ok: true, sender: Deno.env.get("MAIL_SENDER") ?? null }));
