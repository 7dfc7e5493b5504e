"""The paths of the MCP server."""

from django.urls import path

from chat.doors.mcp.view import McpView

urlpatterns = [
    path("mcp", McpView.as_view()),
    path("mcp/<str:app>", McpView.as_view()),
]
