"""The paths under /v1."""

from django.urls import path

from chat.doors.openai.completions_view import ChatCompletionsView
from chat.doors.openai.models_view import ModelsView, OneModelView
from chat.doors.openai.responses.conversation_views import ConversationsView, ConversationView, ItemsView, ItemView
from chat.doors.openai.responses.views import CancelView, InputItemsView, ResponsesView, ResponseView

urlpatterns = [
    path("models", ModelsView.as_view()),
    path("models/<path:name>", OneModelView.as_view()),
    path("chat/completions", ChatCompletionsView.as_view()),
    path("responses", ResponsesView.as_view()),
    path("responses/<str:response_id>", ResponseView.as_view()),
    path("responses/<str:response_id>/cancel", CancelView.as_view()),
    path("responses/<str:response_id>/input_items", InputItemsView.as_view()),
    path("conversations", ConversationsView.as_view()),
    path("conversations/<str:conversation>", ConversationView.as_view()),
    path("conversations/<str:conversation>/items", ItemsView.as_view()),
    path("conversations/<str:conversation>/items/<str:item>", ItemView.as_view()),
]
