"""The paths under /v1."""

from django.urls import path

from chat.doors.openai.completions_view import ChatCompletionsView
from chat.doors.openai.models_view import ModelsView, OneModelView

urlpatterns = [
    path("models", ModelsView.as_view()),
    path("models/<str:name>", OneModelView.as_view()),
    path("chat/completions", ChatCompletionsView.as_view()),
]
