"""Mail by SMTP, as text and as HTML; messages of one alert are one thread."""

from __future__ import annotations

import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from watchkeeper.dashboards.alerting.config import EmailChannel
from watchkeeper.dashboards.alerting.message import Message
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.dashboards.alerting.text import headline, html, plain


class Mail:
    """See the module.

    Args:
        config: server, sender, recipients.
        password: of the user; empty where none logs in.
    """

    def __init__(self, config: EmailChannel, password: str) -> None:
        self._config, self._password = config, password

    def send(self, message: Message) -> Answer:
        """Sends it; see `Answer`."""
        config = self._config
        where = f"{config.host}:{config.port}"
        try:
            with self._connected() as server:
                if config.user:
                    server.login(config.user, self._password)
                refused = server.send_message(mail_of(message, config))
        except smtplib.SMTPResponseException as error:
            said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else ""
            return Answer(ok=False, text=f"{where}: {error.smtp_code} {said}"[:200], permanent=error.smtp_code >= 500)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return Answer(
                ok=False, text=f"{where} refused every recipient: {codes}", permanent=all(code >= 500 for code in codes)
            )
        except (OSError, smtplib.SMTPException) as error:
            return Answer(ok=False, text=f"{where} did not take it: {type(error).__name__}")
        if refused:
            return Answer(ok=True, text=f"accepted by {where}, but refused for {len(refused)} of {len(config.to)}")
        return Answer(ok=True, text=f"accepted by {where}")

    def _connected(self) -> smtplib.SMTP:
        config = self._config
        if config.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(config.host, config.port, timeout=config.timeout_seconds, context=context)
        server = smtplib.SMTP(config.host, config.port, timeout=config.timeout_seconds)
        if config.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        return server


def mail_of(message: Message, config: EmailChannel) -> EmailMessage:
    """The mail. Its id is the notice's, so that one that is sent again is the same to whoever compares ids."""
    domain = config.sender.rpartition("@")[2]
    mail = EmailMessage()
    mail["Subject"] = headline(message)[:250]
    mail["From"] = config.sender
    mail["To"] = ", ".join(config.to)
    mail["Date"] = format_datetime(datetime.fromisoformat(message.made_at))
    mail["Message-ID"] = f"<{message.notice_id}@{domain}>"
    thread = f"<{message.alert_id}@{domain}>"
    mail["References"] = thread
    mail["In-Reply-To"] = thread
    # Nobody's out-of-office answers an alert.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Watchkeeper-Alert"] = message.alert_id
    mail.set_content(plain(message))
    mail.add_alternative(html(message), subtype="html")
    return mail
