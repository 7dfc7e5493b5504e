"""The API's paths; none ends in a slash, and none redirects."""

from django.urls import path

from chat.api.views.chat import ChatView
from chat.api.views.controls import AppObjectsView, AppsView, ModelsView, ModelView
from chat.api.views.keys import KeyUsageView, KeyView
from chat.api.views.sessions import ArchiveView, SessionsView, SessionView
from chat.api.views.state import InterruptView, StateView
from chat.api.views.system import EventsView, SystemView
from chat.api.views.tokens import TokenView
from chat.api.views.updates import UpdatesView
from chat.api.views.wallets import WalletChallengeView, WalletVerifyView
from chat.schema.docs_view import DocsView, SchemaView

urlpatterns = [
    path("chat", ChatView.as_view()),
    path("state", StateView.as_view()),
    path("interrupt", InterruptView.as_view()),
    path("updates", UpdatesView.as_view()),
    path("sessions", SessionsView.as_view()),
    path("sessions/<str:session_id>", SessionView.as_view()),
    path("sessions/<str:session_id>/archive", ArchiveView.as_view()),
    path("sessions/<str:session_id>/unarchive", ArchiveView.as_view(is_archived=False)),
    path("system", SystemView.as_view()),
    path("events", EventsView.as_view()),
    path("control/apps", AppsView.as_view()),
    path("control/models", ModelsView.as_view()),
    path("control/model", ModelView.as_view()),
    # Newer names for the same calls.
    path("session/apps", AppObjectsView.as_view()),
    path("session/models", ModelsView.as_view()),
    path("session/model", ModelView.as_view()),
    path("token", TokenView.as_view()),
    # About the caller's key itself.
    path("key", KeyView.as_view()),
    path("key/usage", KeyUsageView.as_view()),
    path("wallet/challenge", WalletChallengeView.as_view()),
    path("wallet/verify", WalletVerifyView.as_view()),
    # Public: they need neither key nor session.
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view()),
]
